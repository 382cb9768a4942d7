"""The counts of sign-ins, and the episodes that were made of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.stuffing.events import ENDED, RECOGNISED
from domain.stuffing.recognition import MOST_OF_EACH, WINDOW, SignIns, StuffingKind
from infrastructure.ids import new_id
from tests.support.database import DatabaseServer
from tests.support.stuffing import MemoryStuffing, StuffingWorld, emptied, postgres_stuffing

HERE, THERE = "203.0.113.7", "198.51.100.9"
MANY = SignIns(failed=90, accounts=80, sources=30)
ONE, ALL = StuffingKind.ONE_SOURCE, StuffingKind.MANY_SOURCES


@pytest.fixture(scope="module")
async def stuffing_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture(params=["memory", "postgres"])
async def stuffing(request: pytest.FixtureRequest, stuffing_url: str) -> AsyncIterator[StuffingWorld]:
    if request.param == "memory":
        yield MemoryStuffing()
        return
    await emptied(stuffing_url)
    async with postgres_stuffing(stuffing_url) as world:
        yield world


async def test_sign_ins_are_counted_by_source_and_together(stuffing: StuffingWorld) -> None:
    await stuffing.failed(HERE, "ada", "bob", "bob", "cy")
    await stuffing.succeeded(HERE, 2)
    await stuffing.failed(THERE, "ada")
    await stuffing.failed(None, "dan")

    now = await stuffing.record.now(accounts=3)

    assert now.by_source == [(HERE, SignIns(succeeded=2, failed=4, accounts=3, sources=1))]
    assert now.others == SignIns(succeeded=2, failed=6, accounts=4, sources=2)
    assert (now.usual, now.episodes) == ([], [])


async def test_a_site_of_ipv6_is_one_source(stuffing: StuffingWorld) -> None:
    """L04: within a /64 addresses cost nothing."""
    await stuffing.failed("2001:db8::1", "ada")
    await stuffing.failed("2001:db8::2", "bob")
    await stuffing.failed("2001:db8:0:1::2", "bob")

    now = await stuffing.record.now(accounts=1)

    assert [(source, seen.accounts) for source, seen in now.by_source] == [("2001:db8:0:1::", 1), ("2001:db8::", 2)]


async def test_l04_of_many_sources_a_48_of_ipv6_is_one(stuffing: StuffingWorld) -> None:
    """One subscriber's prefix is no crowd."""
    for number in range(4):
        await stuffing.failed(f"2001:db8:0:{number}::1", "ada")
    await stuffing.failed("2001:db8:1::1", "ada")

    now = await stuffing.record.now(accounts=1)

    assert (now.others.sources, len(now.by_source)) == (2, 5)


async def test_l03_one_who_signs_in_again_and_again_is_one(stuffing: StuffingWorld) -> None:
    """Or their own sign-ins would hide a list."""
    await stuffing.succeeded(HERE, 30, person=new_id())
    await stuffing.failed(HERE, "ada")

    now = await stuffing.record.now(accounts=1)

    assert [seen.succeeded for _, seen in now.by_source] == [1]
    assert now.others.succeeded == 1


async def test_l03_a_noisy_source_adds_little_to_what_many_do(stuffing: StuffingWorld) -> None:
    """And hides nothing of what they do."""
    await stuffing.failed(HERE, *["ada"] * (MOST_OF_EACH + 20))
    await stuffing.failed(THERE, "bob")

    now = await stuffing.record.now(accounts=1)

    assert now.others == SignIns(failed=MOST_OF_EACH + 1, accounts=2, sources=2)
    assert dict(now.by_source)[HERE].failed == MOST_OF_EACH + 20


async def test_what_is_older_than_the_window_is_not_counted(stuffing: StuffingWorld) -> None:
    await stuffing.failed(HERE, "ada")
    await stuffing.advance(WINDOW)
    await stuffing.failed(HERE, "bob")
    assert (await stuffing.record.now(accounts=1)).others.failed == 1


async def test_an_episode_is_opened_once_and_told_once(stuffing: StuffingWorld) -> None:
    opened = await asyncio.gather(*(stuffing.record.open(ONE, HERE, MANY) for _ in range(5)))
    assert sorted(opened) == [False] * 4 + [True]
    assert await stuffing.record.open(ONE, THERE, MANY)
    assert await stuffing.record.open(ALL, None, MANY)
    data = {"failed": "90", "accounts": "80", "sources": "30"}
    kinds = ["one_source", "one_source", "many_sources"]
    assert await stuffing.events() == [(RECOGNISED, {"kind": kind, **data}) for kind in kinds]
    assert await stuffing.told() == 3


async def test_open_episodes_are_told_and_their_sources_counted_apart(stuffing: StuffingWorld) -> None:
    await stuffing.failed(HERE, "ada", "bob")
    await stuffing.failed(THERE, "ada")
    await stuffing.record.open(ONE, HERE, MANY)
    await stuffing.advance(timedelta(minutes=1))

    now = await stuffing.record.now(accounts=9)

    assert [(each.kind, each.source, each.quiet_for >= timedelta(minutes=1)) for each in now.episodes] == [
        (ONE, HERE, True)
    ]
    assert [source for source, _ in now.by_source] == [HERE], "whatever little it does"
    assert now.others == SignIns(failed=1, accounts=1, sources=1)


async def test_an_episode_that_goes_on_is_not_quiet(stuffing: StuffingWorld) -> None:
    await stuffing.record.open(ONE, HERE, MANY)
    await stuffing.advance(timedelta(minutes=9))
    [episode] = (await stuffing.record.now(accounts=9)).episodes
    await stuffing.record.go_on(episode, MANY)
    [episode] = (await stuffing.record.now(accounts=9)).episodes
    assert episode.quiet_for < timedelta(minutes=1)


async def test_an_episode_ends_once_and_may_begin_again(stuffing: StuffingWorld) -> None:
    await stuffing.record.open(ONE, HERE, MANY)
    [episode] = (await stuffing.record.now(accounts=9)).episodes
    await asyncio.gather(*(stuffing.record.end(episode) for _ in range(3)))
    assert [kind for kind, _ in await stuffing.events()] == [RECOGNISED, ENDED]
    assert (await stuffing.record.now(accounts=9)).episodes == []
    assert await stuffing.record.open(ONE, HERE, MANY)


async def test_what_is_usual_is_kept_by_the_window(stuffing: StuffingWorld) -> None:
    for failed in (3, 7, 5):
        await stuffing.record.keep_usual(SignIns(failed=failed, succeeded=20))
    assert (await stuffing.record.now(accounts=9)).usual == [], "it is not over"
    await stuffing.advance(3 * WINDOW)
    usual = (await stuffing.record.now(accounts=9)).usual
    assert max(each.failed for each in usual) == 7
    assert {each.succeeded for each in usual} == {20}
    assert len(usual) <= 2, "these may fall on either side of a full ten minutes"
