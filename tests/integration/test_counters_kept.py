"""Counters that hold nothing back any more are deleted, a stretch of the table at a time, and no others."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from asyncpg import Connection, Record

from domain.limits import HELD_FOR, MOST_IN_A_ROW, QUIET
from infrastructure.postgres import counters
from infrastructure.postgres.database import Database, DatabaseOptions
from tests.support.rows import connected

_COUNTERS = """
INSERT INTO rate_limits (rule, subject, arrival_at, failures, admitted)
SELECT CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, int4send(n), now() + $3::interval, $4, true
FROM generate_series($1::integer, $2::integer) AS n
"""
_EXPIRE = "UPDATE rate_limits SET arrival_at = now() - interval '1 second' WHERE subject = ANY ($1::bytea[])"
_READS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Tid Scan"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(DatabaseOptions(url=database_url, pool_size=1)).opened() as database:
        yield database


@pytest.fixture
async def looking(database_url: str) -> "AsyncIterator[Connection[Record]]":
    async with connected(database_url) as connection:
        yield connection


async def _left(looking: "Connection[Record]") -> set[int]:
    return {int.from_bytes(row["subject"]) for row in await looking.fetch("SELECT subject FROM rate_limits")}


async def test_few_that_are_over_among_many_that_count(
    database: Database, looking: "Connection[Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each go looks at so many rows and no more, goes on where the last one ended, and begins again at the end."""
    monkeypatch.setattr(counters, "MOST_BATCHES", 2)
    over = {7, 302, 601, 1000}
    await looking.execute(_COUNTERS, 1, 1000, MINUTE, 0)
    await looking.execute(_EXPIRE, [number.to_bytes(4) for number in over])
    purge = counters.CounterPurge(looked_at=100)

    # In the order of the primary key: 500 even numbers and then 500 odd ones, in goes of 200.
    assert [await purge(database) for _ in range(5)] == [1, 0, 2, 0, 1]
    assert await _left(looking) == set(range(1, 1001)) - over

    await looking.execute(_EXPIRE, [(8).to_bytes(4)])
    assert sum([await purge(database) for _ in range(6)]) == 1, "from the beginning again"


@pytest.mark.parametrize(("failures", "kept"), [(0, timedelta()), (3, 3 * QUIET), (MOST_IN_A_ROW, HELD_FOR)])
async def test_what_still_holds_somebody_back_stays(
    database: Database, looking: "Connection[Record]", failures: int, kept: timedelta
) -> None:
    await looking.execute(_COUNTERS, 1, 3, -kept - timedelta(seconds=1), failures)
    await looking.execute(_COUNTERS, 4, 6, -kept + MINUTE, failures)
    assert await counters.CounterPurge()(database) == 3
    assert await _left(looking) == {4, 5, 6}


async def test_one_that_is_held_is_left_for_later(database: Database, looking: "Connection[Record]") -> None:
    await looking.execute(_COUNTERS, 1, 2, -MINUTE, 0)
    purge = counters.CounterPurge()
    async with looking.transaction():
        await looking.execute("SELECT FROM rate_limits WHERE subject = int4send(1) FOR UPDATE")
        assert await purge(database) == 1
    assert await purge(database) == 1


async def test_a_large_table_is_never_read_whole(looking: "Connection[Record]") -> None:
    """A stretch is read by the primary key, and deleted by where its rows are."""
    await looking.execute(_COUNTERS, 1, 50_000, MINUTE, 0)
    await looking.execute("ANALYZE rate_limits")
    await looking.execute("SET plan_cache_mode = force_generic_plan")
    plan = json.loads(
        await looking.fetchval(f"EXPLAIN (FORMAT JSON) {counters.CounterPurge(looked_at=100).statement}", "", b"")
    )
    assert set(_scans(plan)) == {("Index Scan", "rate_limits"), ("Tid Scan", "rate_limits")}


def _scans(plan: Any) -> list[tuple[str, str]]:
    if isinstance(plan, list):
        return [scan for part in plan for scan in _scans(part)]
    if not isinstance(plan, dict):
        return []
    here = [(plan["Node Type"], plan["Relation Name"])] if plan.get("Node Type") in _READS else []
    return here + [scan for part in plan.values() for scan in _scans(part)]
