"""A look at the rows behind the service, and a hand on them, on a connection of its own, as their owner."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg
from asyncpg import Connection, Record

from tests.support.database import owner_url_of

SESSION_TIMES = (
    "auth_time", "created_at", "last_used_at", "idle_expires_at", "expires_at", "rotated_at", "previous_rotated_at",
)  # fmt: skip


@asynccontextmanager
async def connected(database_url: str) -> "AsyncIterator[Connection[Record]]":
    connection = await asyncpg.connect(owner_url_of(database_url), timeout=30)
    try:
        yield connection
    finally:
        await connection.close()


async def let_the_audit_log_be_changed(database_url: str) -> None:
    """Take away what refuses it to the owner too, as somebody who has the owner's way in could."""
    async with connected(database_url) as connection:
        for table in ("audit_entries", "audit_heads"):
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")


async def tables_of(database_url: str) -> list[str]:
    async with connected(database_url) as connection:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    return [row["tablename"] for row in rows]


_BY_ITSELF = (
    "rate_limits", "processes", "audit_queue", "audit_entries", "audit_heads", "audit_keys", "audit_erasures",
    "sign_in_periods", "stuffing_episodes", "deliveries", "one_time_tokens",
)  # fmt: skip
"""What the service writes a while after a request, or with one that it refuses."""


async def contents(database_url: str, *, but: tuple[str, ...] = _BY_ITSELF) -> dict[str, list[str]]:
    """All rows of all tables that requests write, as text, sorted, so that two looks can be compared."""
    found = {}
    async with connected(database_url) as connection:
        for table in await tables_of(database_url):
            if table not in but:
                rows = await connection.fetch(f"SELECT t::text AS row FROM {table} AS t")
                found[table] = sorted(row["row"] for row in rows)
    return found


async def dump(database_url: str) -> str:
    """What a thief of a backup reads: the text of every row of every table."""
    text = io.BytesIO()
    async with connected(database_url) as connection:
        for table in await tables_of(database_url):
            await connection.copy_from_table(table, output=text)
    return text.getvalue().decode()


async def event_types(database_url: str, session_id: UUID | None = None) -> list[str]:
    """In the order they happened; of one session when told which."""
    async with connected(database_url) as connection:
        rows = await connection.fetch(
            "SELECT type FROM events WHERE $1::uuid IS NULL OR session_id = $1 ORDER BY transaction_id, position",
            session_id,
        )
    return [row["type"] for row in rows]


async def end_reason(database_url: str, session_id: UUID) -> str | None:
    async with connected(database_url) as connection:
        reason: str | None = await connection.fetchval("SELECT end_reason FROM sessions WHERE id = $1", session_id)
    return reason


async def let_pass(database_url: str, session_id: UUID, time: timedelta) -> None:
    """Age one session, as waiting would."""
    moved = ", ".join(f"{column} = {column} - $2::interval" for column in SESSION_TIMES)
    async with connected(database_url) as connection:
        await connection.execute(f"UPDATE sessions SET {moved} WHERE id = $1", session_id, time)


async def disable(database_url: str, user_id: UUID) -> None:
    async with connected(database_url) as connection:
        await connection.execute("UPDATE users SET status = 'disabled' WHERE id = $1", user_id)


async def forget_attempts(database_url: str) -> None:
    """As long waiting would."""
    async with connected(database_url) as connection:
        await connection.execute("DELETE FROM rate_limits")
