"""One look after the other at sign-ins, on the record in memory."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from application.stuffing.ports import Episode, SignInsNow, StuffingRecord
from application.stuffing.watch_sign_ins import WatchSignIns
from domain.stuffing.events import ENDED, RECOGNISED
from domain.stuffing.recognition import QUIET, WINDOW, Recognition, SignIns, StuffingKind
from tests.support.stuffing import MemoryStuffing

HERE = "203.0.113.7"
ACCOUNTS = [f"account {number}" for number in range(60)]


@pytest.fixture
def world() -> MemoryStuffing:
    return MemoryStuffing()


def watch(world: MemoryStuffing) -> WatchSignIns:
    return WatchSignIns(world.record, Recognition())


async def kinds(world: MemoryStuffing) -> list[tuple[str, str]]:
    return [(kind, data["kind"]) for kind, data in await world.events()]


async def test_one_source_is_recognised_and_told_once(world: MemoryStuffing) -> None:
    for account in ACCOUNTS:
        await world.failed(HERE, account)
        await watch(world)()
    assert await kinds(world) == [(RECOGNISED, "one_source")]


async def test_many_sources_are(world: MemoryStuffing) -> None:
    for number, account in enumerate(ACCOUNTS):
        await world.failed(f"198.51.100.{number}", account)
    await watch(world)()
    await watch(world)()
    assert await kinds(world) == [(RECOGNISED, "many_sources")]


async def test_an_attack_that_grows_is_not_held_against_itself(world: MemoryStuffing) -> None:
    for number, account in enumerate(ACCOUNTS):
        await world.failed(f"198.51.100.{number}", account)
        await watch(world)()
        await world.advance(timedelta(seconds=5))
    assert await kinds(world) == [(RECOGNISED, "many_sources")]


async def test_one_source_alone_is_not_many(world: MemoryStuffing) -> None:
    await world.failed(HERE, *ACCOUNTS)
    for number in range(10):
        await world.failed(f"198.51.100.{number}", "ada")
    await watch(world)()
    await watch(world)()
    assert await kinds(world) == [(RECOGNISED, "one_source")]


async def test_a_usual_day_is_learnt_and_an_attack_is_not(world: MemoryStuffing) -> None:
    await world.failed(HERE, "ada", "bob")
    await watch(world)()
    assert [each.failed for each in world.usual.values()] == [2]
    for number, account in enumerate(ACCOUNTS):
        await world.failed(f"198.51.100.{number}", account)
    for _ in range(3):
        await watch(world)()
        await world.advance(timedelta(minutes=3))
    assert max(each.failed for each in world.usual.values()) == 2


async def test_an_episode_ends_when_it_has_been_quiet(world: MemoryStuffing) -> None:
    await world.failed(HERE, *ACCOUNTS[:15])
    await watch(world)()
    await world.advance(WINDOW)
    await watch(world)()
    assert await kinds(world) == [(RECOGNISED, "one_source")], "slowed down is not over"
    await world.failed(HERE, *ACCOUNTS[:5])
    await watch(world)()
    await world.advance(QUIET - timedelta(seconds=1))
    await watch(world)()
    assert ENDED not in dict(await kinds(world))
    await world.advance(timedelta(seconds=1))
    await watch(world)()
    assert await kinds(world) == [(RECOGNISED, "one_source"), (ENDED, "one_source")]


async def test_many_sources_go_on_with_a_quarter_of_what_began_it(world: MemoryStuffing) -> None:
    async def attack(sources: int) -> None:
        for number in range(sources):
            await world.failed(f"198.51.100.{number}", ACCOUNTS[number])
        await watch(world)()

    await attack(60)
    await world.advance(QUIET)
    await attack(15)
    assert await kinds(world) == [(RECOGNISED, "many_sources")]
    await world.advance(QUIET)
    await attack(14)
    assert await kinds(world) == [(RECOGNISED, "many_sources"), (ENDED, "many_sources")]


@dataclass
class Noting:
    """A record that notes what it is asked and told."""

    record: StuffingRecord
    asked: list[int] = field(default_factory=list)
    opened: list[str | None] = field(default_factory=list)
    went_on: list[SignIns] = field(default_factory=list)

    async def now(self, *, accounts: int) -> SignInsNow:
        self.asked.append(accounts)
        return await self.record.now(accounts=accounts)

    async def open(self, kind: StuffingKind, source: str | None, seen: SignIns) -> bool:
        self.opened.append(source)
        return await self.record.open(kind, source, seen)

    async def go_on(self, episode: Episode, seen: SignIns) -> None:
        self.went_on.append(seen)
        await self.record.go_on(episode, seen)

    async def end(self, episode: Episode) -> None:
        await self.record.end(episode)

    async def keep_usual(self, seen: SignIns) -> None:
        await self.record.keep_usual(seen)


async def test_no_more_is_looked_at_and_told_than_it_takes(world: MemoryStuffing) -> None:
    """Of sources that fewer accounts failed from than an episode goes on with, nothing is asked."""
    noting = Noting(world.record)
    await world.failed(HERE, *ACCOUNTS[:15])
    await world.failed("198.51.100.1", *ACCOUNTS[:14])
    for _ in range(2):
        await WatchSignIns(noting, Recognition())()
    assert (noting.asked, noting.opened) == ([4, 4], [HERE])
    assert noting.went_on == [SignIns(failed=15, accounts=15, sources=1)]
