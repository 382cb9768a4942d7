"""Sign-ins of one user that begin at the same moment: PostgreSQL alone can lose this race."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from infrastructure.postgres.database import Database, DatabaseOptions
from tests.support.builders import ADA, Account, registered, session_of
from tests.support.fakes import FakeRefreshTokens
from tests.support.postgres import PostgresWorld
from tests.support.rows import connected
from tests.support.world import LIMITS

AT_ONCE = 10
"""Few enough for what the servers of other tests leave of the connections there are."""
AT_MOST = 7
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[PostgresWorld]:
    patient = DatabaseOptions(
        url=database_url, pool_size=AT_ONCE, lock_timeout=30, statement_timeout=30, answer_timeout=30
    )
    async with Database(patient).opened() as database:
        yield PostgresWorld(database, LIMITS)


@pytest.mark.parametrize("at_most", [1, AT_MOST])
async def test_o09_x13_ten_at_once_leave_as_many_as_are_admitted(
    world: PostgresWorld, database_url: str, at_most: int
) -> None:
    """All are held at the lock that a sign-in takes first, and let go at once; none has seen any other begin."""
    ada = await registered(world)
    async with connected(database_url) as gate, connected(database_url) as looking:
        async with gate.transaction():
            await gate.execute("SELECT FROM credentials WHERE user_id = $1 FOR UPDATE", ada.user.id)
            signing_in = [asyncio.create_task(_sign_in(world, ada, at_most)) for _ in range(AT_ONCE)]
            await _until_all_wait(looking, signing_in)
        await asyncio.gather(*signing_in)
        assert await gate.fetchval("SELECT count(*) FROM sessions WHERE ended_at IS NULL") == at_most
        assert await gate.fetchval("SELECT count(*) FROM sessions") == AT_ONCE
        superseded = await gate.fetchval("SELECT count(*) FROM events WHERE data ->> 'reason' = 'superseded'")
        assert superseded == AT_ONCE - at_most


async def _sign_in(world: PostgresWorld, account: Account, at_most: int) -> None:
    """Its second half; the first would count the attempts."""
    session = session_of(account.user.id)
    work = world.unit_of_work(ADA)
    work.sessions.start(session, FakeRefreshTokens().first(session.id), account.credential, at_most=at_most)
    await work.commit()


async def _until_all_wait(
    looking: "asyncpg.Connection[asyncpg.Record]", signing_in: Sequence[asyncio.Task[None]]
) -> None:
    """On a connection that is in no transaction, for one that is would always be told the same."""
    deadline = time.monotonic() + 30
    while (waiting := await looking.fetchval(_WAITING)) < AT_ONCE:
        over = [task.exception() for task in signing_in if task.done()]
        assert not over, f"over before the lock was let go: {over}"
        assert time.monotonic() < deadline, f"{waiting} of {AT_ONCE} wait for the lock after 30 s"
        await asyncio.sleep(0.02)
