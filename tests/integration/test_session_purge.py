"""Sessions that are over leave the table; nothing else does, and nobody waits for it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Connection, Record

from bootstrap import lifespan
from infrastructure.postgres import purges, session_purge
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.sessions import LIVE_BESIDE, LIVE_OF, REFRESH
from tests.support.application import served, settings_for
from tests.support.builders import Device, registered, signed_in
from tests.support.client import ServiceClient
from tests.support.postgres import PostgresWorld
from tests.support.rows import connected
from tests.support.world import LIMITS

KEPT = timedelta(days=7)
_COPIES = """
INSERT INTO sessions
SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid()))).*
FROM sessions AS s, generate_series(1, $2::integer) WHERE s.id = $1
RETURNING id
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(DatabaseOptions(url=database_url)).opened() as database:
        yield database


@pytest.fixture
def world(database: Database) -> PostgresWorld:
    return PostgresWorld(database, LIMITS)


@pytest.fixture
async def looking(database_url: str) -> "AsyncIterator[Connection[Record]]":
    async with connected(database_url) as connection:
        yield connection


@pytest.fixture
async def device(world: PostgresWorld) -> Device:
    return await signed_in(world, await registered(world))


async def copies(looking: "Connection[Record]", device: Device, count: int) -> list[UUID]:
    return [row["id"] for row in await looking.fetch(_COPIES, device.session.id, count)]


async def end_before(looking: "Connection[Record]", ids: list[UUID], ago: timedelta) -> None:
    await looking.execute(
        "UPDATE sessions SET ended_at = now() - $2::interval, end_reason = 'logged_out' WHERE id = ANY($1)", ids, ago
    )


async def expire_before(looking: "Connection[Record]", ids: list[UUID], ago: timedelta) -> None:
    await looking.execute("UPDATE sessions SET expires_at = now() - $2::interval WHERE id = ANY($1)", ids, ago)


async def left(looking: "Connection[Record]") -> set[UUID]:
    return {row["id"] for row in await looking.fetch("SELECT id FROM sessions")}


async def test_what_is_over_goes_and_nothing_else(
    database: Database, looking: "Connection[Record]", device: Device
) -> None:
    just, minute = KEPT + timedelta(seconds=1), timedelta(minutes=1)
    ended_long_ago, expired_long_ago, ended, expired, idle = [await copies(looking, device, 3) for _ in range(5)]
    await end_before(looking, ended_long_ago, just)
    await expire_before(looking, expired_long_ago, just)
    await end_before(looking, ended, KEPT - minute)
    await expire_before(looking, expired, KEPT - minute)
    await looking.execute(
        "UPDATE sessions SET idle_expires_at = now() - $2::interval * 2 WHERE id = ANY($1)", idle, KEPT
    )

    assert await session_purge.purge(database, KEPT) == 6

    assert await left(looking) == {device.session.id, *ended, *expired, *idle}
    assert await device.is_live()


async def test_a_backlog_goes_batch_by_batch(
    database: Database, looking: "Connection[Record]", device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purges, "MOST_BATCHES", 2)
    await end_before(looking, await copies(looking, device, 2500), timedelta(days=8))

    assert [await session_purge.purge(database, KEPT) for _ in range(3)] == [2000, 500, 0]


async def test_several_nodes_share_the_work(database: Database, looking: "Connection[Record]", device: Device) -> None:
    await end_before(looking, await copies(looking, device, 6000), timedelta(days=8))

    gone = await asyncio.gather(*(session_purge.purge(database, KEPT) for _ in range(4)))

    assert sum(gone) == 6000
    assert await left(looking) == {device.session.id}


async def test_a_purge_waits_for_nobody_and_nobody_for_it(
    database: Database, looking: "Connection[Record]", world: PostgresWorld, database_url: str
) -> None:
    """A row that is held is passed over; and while a purge holds its rows, sign-in, list and refresh go on."""
    ada = await registered(world)
    device = await signed_in(world, ada)
    held, free = [await copies(looking, device, 3) for _ in range(2)]
    await end_before(looking, [*held, *free], timedelta(days=8))
    async with connected(database_url) as other:
        async with other.transaction():
            await other.execute("SELECT FROM sessions WHERE id = ANY($1) FOR UPDATE", held)
            assert await session_purge.purge(database, KEPT) == 3
        async with other.transaction():
            assert len(await other.fetch(session_purge.ENDED, KEPT)) == 3
            second = await signed_in(world, ada, at_most=2)
            assert await second.is_live()
            await device.rotate(device.first_token)
            assert len((await world.sessions.live_of(ada.user.id, limit=10)).sessions) == 2
            assert await session_purge.purge(database, KEPT) == 0


async def test_it_is_on_by_default(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifespan, "UPKEEP_INTERVAL", timedelta(milliseconds=50))
    async with served(settings_for(database_url)) as client, connected(database_url) as looking:
        session = await client.signed_in()
        await client.log_out(session.access_token)
        await end_before(looking, [session.session_id], timedelta(days=6))
        await _rounds(looking)
        assert await left(looking) == {session.session_id}
        await end_before(looking, [session.session_id], timedelta(days=8))
        async with asyncio.timeout(30):
            while await left(looking):  # noqa: ASYNC110 - only the server knows
                await asyncio.sleep(0.05)
        await _refused_all_the_same(client, session.refresh_token)


async def _rounds(looking: "Connection[Record]") -> None:
    """Until upkeep has been round once more: rows of another kind that are over have gone, and again."""
    for _ in range(2):
        await _something_else_is_purged(looking)


async def _something_else_is_purged(looking: "Connection[Record]") -> None:
    await looking.execute(
        "INSERT INTO one_time_tokens (digest, purpose, user_id, email_canonical, expires_at)"
        " SELECT 'd', 'p', id, 'e', now() - interval '1 day' FROM users"
    )
    async with asyncio.timeout(30):
        while await looking.fetchval("SELECT EXISTS (SELECT FROM one_time_tokens)"):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


async def _refused_all_the_same(client: ServiceClient, refresh_token: str) -> None:
    answer = await client.refresh(refresh_token)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


async def _plan(looking: "Connection[Record]", statement: str, *arguments: object) -> str:
    await looking.execute("SET plan_cache_mode = force_generic_plan")
    # A table this small is read whole and sorted, if that is not forbidden; a large one is not.
    for way in ("seqscan", "bitmapscan", "sort"):
        await looking.execute(f"SET enable_{way} = off")
    plan: str = await looking.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *arguments)
    return plan


def _indexes(plan: Any) -> set[str]:
    if isinstance(plan, list):
        return set().union(*map(_indexes, plan))
    if isinstance(plan, dict):
        return {plan["Index Name"]} if "Index Name" in plan else set().union(*map(_indexes, plan.values()))
    return set()


@pytest.mark.parametrize(
    ("statement", "index"),
    [(session_purge.ENDED, "sessions_ended_at_idx"), (session_purge.EXPIRED, "sessions_expires_at_idx")],
)
async def test_a_purge_finds_its_rows_by_an_index(looking: "Connection[Record]", statement: str, index: str) -> None:
    plan = json.loads(await _plan(looking, statement, KEPT))
    assert index in _indexes(plan)
    assert "Seq Scan" not in json.dumps(plan)
    assert '"Sort"' not in json.dumps(plan), "in the order of the index"


@pytest.mark.parametrize("statement", [LIVE_OF, LIVE_BESIDE])
async def test_a_list_reads_what_has_not_ended_in_the_order_of_an_index(
    database: Database, looking: "Connection[Record]", device: Device, statement: str
) -> None:
    """However many sessions the user has ended: a row that is over costs the list nothing."""
    await end_before(looking, await copies(looking, device, 5000), timedelta(days=1))
    await looking.execute("ANALYZE sessions")
    caller = (device.session.user_id, *([device.session.id] if statement == LIVE_BESIDE else []))
    plan = json.loads(await _plan(looking, statement, None, None, 50, *caller))
    assert "sessions_not_ended_idx" in _indexes(plan)
    assert "Seq Scan" not in json.dumps(plan)


async def test_refreshes_are_hot_updates(looking: "Connection[Record]", world: PostgresWorld) -> None:
    """No index is touched by a rotation, and pages have room for it: PostgreSQL says so itself."""
    ada = await registered(world)
    device = await signed_in(world, ada)
    before = await _updates(looking)
    token = device.first_token
    for _ in range(40):
        token = await device.rotate(token)
    async with asyncio.timeout(30):
        while (counted := await _updates(looking))[0] - before[0] < 40:  # noqa: ASYNC110 - told when backends are idle
            await asyncio.sleep(0.1)
    # Now and then a page is full before it may be tidied up. An index on what a refresh writes would make it none.
    assert counted[1] - before[1] >= 36
    assert "UPDATE sessions" in REFRESH


async def _updates(looking: "Connection[Record]") -> tuple[int, int]:
    row = await looking.fetchrow("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'")
    return (row["n_tup_upd"], row["n_tup_hot_upd"]) if row else (0, 0)


async def test_those_nobody_refreshed_go_as_long_after_their_idle_end(
    database: Database, looking: "Connection[Record]", device: Device
) -> None:
    """A stretch at a time, and then from the beginning again."""
    over, recent = [await copies(looking, device, 7) for _ in range(2)]
    move = "UPDATE sessions SET idle_expires_at = now() - $2::interval WHERE id = ANY($1)"
    await looking.execute(move, over[:6], KEPT + timedelta(seconds=1))
    await looking.execute(move, recent, KEPT - timedelta(minutes=1))
    purge = session_purge.IdlePurge(looked_at=4)

    gone = [await purge(database, KEPT) for _ in range(4)]
    assert (sum(gone), max(gone) <= 4) == (6, True)
    assert await left(looking) == {device.session.id, over[6], *recent}

    await looking.execute(move, over[6:], KEPT + timedelta(seconds=1))
    assert sum([await purge(database, KEPT) for _ in range(3)]) == 1
    assert await device.is_live()


async def test_one_that_is_held_is_left_for_later(
    database: Database, looking: "Connection[Record]", device: Device
) -> None:
    [over] = await copies(looking, device, 1)
    await looking.execute("UPDATE sessions SET idle_expires_at = now() - $2::interval * 2 WHERE id = $1", over, KEPT)
    purge = session_purge.IdlePurge()

    async with looking.transaction():
        await looking.execute("SELECT FROM sessions WHERE id = $1 FOR UPDATE", over)
        assert await purge(database, KEPT) == 0
    assert await purge(database, KEPT) == 1
