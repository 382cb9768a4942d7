"""Sign-ins that failed and succeeded, and the record of them, in memory and in PostgreSQL."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Protocol
from uuid import UUID

from application.stuffing.ports import Episode, SignInsNow, StuffingRecord
from domain.events import DomainEvent
from domain.stuffing.events import ENDED, stuffing_recognised
from domain.stuffing.recognition import MOST_OF_EACH, WINDOW, SignIns, StuffingKind
from infrastructure.ids import new_id
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.stuffing import PostgresStuffingRecord
from tests.support.clock import MovableClock
from tests.support.rows import connected

TOLD = ("operator_notice",)


class StuffingWorld(Protocol):
    """Time, sign-ins, and what is made of them."""

    @property
    def record(self) -> StuffingRecord: ...

    async def failed(self, source: str | None, *accounts: str) -> None: ...

    async def succeeded(self, source: str | None, times: int = 1, person: UUID | None = None) -> None:
        """So many people, or one so often."""
        ...

    async def advance(self, by: timedelta) -> None: ...

    async def events(self) -> list[tuple[str, dict[str, str]]]:
        """Of episodes, with their data."""
        ...

    async def told(self) -> int:
        """Deliveries."""
        ...


@dataclass
class MemoryStuffing:
    """Both, the world and the record."""

    clock: MovableClock = field(default_factory=MovableClock)
    sign_ins: list[tuple[object, str | None, str | UUID]] = field(default_factory=list)
    """When, where, and the account that it failed with or whose it was."""
    open_episodes: dict[str | None, tuple[Episode, object]] = field(default_factory=dict)
    usual: dict[int, SignIns] = field(default_factory=dict)
    happened: list[DomainEvent] = field(default_factory=list)

    @property
    def record(self) -> StuffingRecord:
        return _MemoryRecord(self)

    async def failed(self, source: str | None, *accounts: str) -> None:
        self.sign_ins += [(self.clock.now(), source, account) for account in accounts]

    async def succeeded(self, source: str | None, times: int = 1, person: UUID | None = None) -> None:
        self.sign_ins += [(self.clock.now(), source, person or new_id()) for _ in range(times)]

    async def advance(self, by: timedelta) -> None:
        self.clock.advance(by)

    async def events(self) -> list[tuple[str, dict[str, str]]]:
        return [(event.type, dict(event.data)) for event in self.happened]

    async def told(self) -> int:
        return sum(event.type != ENDED for event in self.happened)


@dataclass(frozen=True)
class _MemoryRecord:
    world: MemoryStuffing

    async def now(self, *, accounts: int) -> SignInsNow:
        world = self.world
        since = world.clock.now() - WINDOW
        there = [(where, account) for when, where, account in world.sign_ins if when > since]  # type: ignore[operator]
        recent = [(_network(where, 64), account) for where, account in there]
        episodes = [replace(e, quiet_for=world.clock.now() - seen) for e, seen in world.open_episodes.values()]  # type: ignore[operator]
        watched = {episode.source for episode in episodes if episode.source}
        by_source = [
            (source, _counts([one for one in recent if one[0] == source]))
            for source in sorted({source for source, _ in recent if source})
        ]
        return SignInsNow(
            by_source=[(source, seen) for source, seen in by_source if seen.accounts >= accounts or source in watched],
            others=_counts(
                [(_network(where, 48), who) for where, who in there if _network(where, 64) not in watched], MOST_OF_EACH
            ),
            usual=[
                seen
                for period, seen in world.usual.items()
                if (period + 2) * WINDOW.total_seconds() <= world.clock.now().timestamp()
            ],
            episodes=episodes,
        )

    async def open(self, kind: StuffingKind, source: str | None, seen: SignIns) -> bool:
        world = self.world
        if source in world.open_episodes:
            return False
        episode = Episode(id=new_id(), kind=kind, source=source, quiet_for=timedelta())
        world.open_episodes[source] = (episode, world.clock.now())
        world.happened.append(stuffing_recognised(kind, seen))
        return True

    async def go_on(self, episode: Episode, seen: SignIns) -> None:
        if episode.source in self.world.open_episodes:
            self.world.open_episodes[episode.source] = (episode, self.world.clock.now())

    async def end(self, episode: Episode) -> None:
        if self.world.open_episodes.pop(episode.source, None):
            self.world.happened.append(DomainEvent(type=ENDED, data={"kind": episode.kind.value}))

    async def keep_usual(self, seen: SignIns) -> None:
        period = int(self.world.clock.now().timestamp() // WINDOW.total_seconds())
        before = self.world.usual.get(period, SignIns())
        self.world.usual[period] = SignIns(
            succeeded=max(seen.succeeded, before.succeeded), failed=max(seen.failed, before.failed)
        )


def _network(source: str | None, prefix: int) -> str | None:
    if source is None:
        return None
    address = ip_address(source)
    return source if address.version == 4 else str(ip_network((source, prefix), strict=False).network_address)


def _counts(sign_ins: Sequence[tuple[str | None, str | UUID]], most_of_each: int | None = None) -> SignIns:
    failed = [one for one in sign_ins if isinstance(one[1], str)]
    by_source = Counter(source for source, _ in failed).values()
    return SignIns(
        succeeded=len({who for _, who in sign_ins if isinstance(who, UUID)}),
        failed=sum(min(each, most_of_each or each) for each in by_source),
        accounts=len({account for _, account in failed}),
        sources=len({source for source, _ in failed if source}),
    )


@dataclass(frozen=True)
class PostgresStuffing:
    database: Database
    url: str

    @property
    def record(self) -> StuffingRecord:
        return PostgresStuffingRecord(self.database, new_id, RateLimits(digest=lambda data: b"digest of " + data), TOLD)

    async def failed(self, source: str | None, *accounts: str) -> None:
        await self._written("log_in.failed", source, [{"identifier_digest": account} for account in accounts])

    async def succeeded(self, source: str | None, times: int = 1, person: UUID | None = None) -> None:
        people = [person or new_id() for _ in range(times)]
        await self._written("session.started", source, [{"amr": "pwd"}] * times, people)

    async def advance(self, by: timedelta) -> None:
        for change in (
            "events SET occurred_at = occurred_at - $1::interval",
            "stuffing_episodes SET began_at = began_at - $1::interval, seen_at = seen_at - $1::interval",
            "sign_in_periods SET began_at = began_at - $1::interval",
        ):
            async with connected(self.url) as owner:
                await owner.execute(f"UPDATE {change}", by)

    async def events(self) -> list[tuple[str, dict[str, str]]]:
        rows = await self.database.fetch(
            "SELECT type, data FROM events WHERE type LIKE 'credential_stuffing.%' ORDER BY position"
        )
        return [(row["type"], json.loads(row["data"])) for row in rows]

    async def told(self) -> int:
        rows = await self.database.fetch("SELECT FROM deliveries WHERE subscriber = ANY ($1::text[])", list(TOLD))
        return len(rows)

    async def _written(
        self, event_type: str, source: str | None, data: list[dict[str, str]], people: Sequence[UUID] = ()
    ) -> None:
        await self.database.fetch(
            "INSERT INTO events (id, type, ip_address, data, user_id)"
            " SELECT gen_random_uuid(), $1, $2::text::inet, d::jsonb, u"
            " FROM unnest($3::text[], $4::uuid[]) AS t (d, u)",
            event_type, source, [json.dumps(each) for each in data], list(people),
        )  # fmt: skip


@asynccontextmanager
async def postgres_stuffing(url: str) -> AsyncIterator[PostgresStuffing]:
    async with Database(DatabaseOptions(url=url, pool_size=8)).opened() as database:
        yield PostgresStuffing(database, url)


async def emptied(url: str) -> None:
    async with connected(url) as owner:
        await owner.execute("TRUNCATE events, deliveries, stuffing_episodes, sign_in_periods, audit_queue")
