"""Ending all sessions of a user against a sign-in that is half done: PostgreSQL alone can lose this race."""

import asyncio
from uuid import RFC_4122

import asyncpg

from application.origin import NOWHERE
from domain.sessions.session import EndReason
from infrastructure.postgres.database import Database, DatabaseOptions
from tests.support.builders import registered, signed_in
from tests.support.postgres import PostgresWorld
from tests.support.rows import connected
from tests.support.world import LIMITS

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_o02_x13_a_session_whose_sign_in_commits_meanwhile_ends_too(database_url: str) -> None:
    options = DatabaseOptions(url=database_url, lock_timeout=10, statement_timeout=10, answer_timeout=10)
    async with (
        Database(options).opened() as database,
        connected(database_url) as signing_in,
        connected(database_url) as looking,
    ):
        world = PostgresWorld(database, LIMITS)
        ada = await registered(world)
        template = await signed_in(world, ada)
        async with signing_in.transaction():
            # What a sign-in does: it holds the credential and the user until its session is there to be seen.
            await signing_in.execute(
                "SELECT FROM credentials AS c JOIN users AS u ON u.id = c.user_id WHERE u.id = $1 FOR SHARE OF c, u",
                ada.user.id,
            )
            work = world.unit_of_work(NOWHERE)
            work.sessions.end_all_of(ada.user.id, EndReason.PASSWORD_CHANGED)
            ending = asyncio.create_task(work.commit())
            await _until_somebody_waits(looking)
            await _copy_session(signing_in, template.session.id)
        await ending

        assert await looking.fetchval("SELECT count(*) FROM sessions") == 2
        assert await looking.fetchval("SELECT count(*) FROM sessions WHERE ended_at IS NULL") == 0


async def test_events_whose_number_the_statement_finds_out_have_ids_like_all_others(database_url: str) -> None:
    """UUIDv7 (RFC 9562 5.7), by the time of the database."""
    async with Database(DatabaseOptions(url=database_url)).opened() as database:
        world = PostgresWorld(database, LIMITS)
        ada = await registered(world)
        for _ in range(3):
            await signed_in(world, ada)
        work = world.unit_of_work(NOWHERE)
        work.sessions.end_all_of(ada.user.id, EndReason.PASSWORD_CHANGED)
        await work.commit()
        rows = await database.fetch("SELECT id, occurred_at FROM events WHERE type = 'session.ended'")

    assert len({row["id"] for row in rows}) == 3
    for row in rows:
        assert (row["id"].version, row["id"].variant) == (7, RFC_4122)
        assert abs((row["id"].int >> 80) / 1000 - row["occurred_at"].timestamp()) < 5


async def _until_somebody_waits(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    async with asyncio.timeout(10):
        while not await connection.fetchval(WAITS):  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(0.01)


async def _copy_session(connection: "asyncpg.Connection[asyncpg.Record]", session_id: object) -> None:
    await connection.execute(
        """
        INSERT INTO sessions SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid()))).*
        FROM sessions AS s WHERE id = $1
        """,
        session_id,
    )
