"""The ports over PostgreSQL, for the contract suites."""

import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from application.origin import Origin
from domain.sessions.session import EndReason
from infrastructure.ids import new_id
from infrastructure.postgres.accounts import PostgresRegistrations
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.limits import RateLimits, Rule
from infrastructure.postgres.log_in_attempts import PostgresLogInAttempts
from infrastructure.postgres.sessions import SESSION_COLUMNS, PostgresSessionRepository, session_of
from infrastructure.postgres.unit_of_work import PostgresUnitOfWorkFactory
from tests.support.database import DatabaseServer
from tests.support.world import (
    SIGN_IN_ACCOUNT,
    SIGN_IN_SOURCE,
    SIGN_UP_ACCOUNT,
    SIGN_UP_SOURCE,
    Limit,
    RecordedEvent,
    StoredSession,
)

_TIMES = {
    "users": ("created_at", "updated_at"),
    "credentials": ("created_at", "updated_at"),
    "sessions": (
        "auth_time", "created_at", "last_used_at", "idle_expires_at", "expires_at", "rotated_at",
        "previous_rotated_at", "ended_at",
    ),
    "rate_limits": ("arrival_at",),
    "events": ("occurred_at",),
}  # fmt: skip


class PostgresWorld:
    """Implements :class:`tests.support.world.World`; moves the clock by shifting every time into the past."""

    def __init__(self, database: Database, limits: Mapping[str, Limit]) -> None:
        self.limits = limits
        self.database = database
        rate_limits = rate_limits_of(limits)
        self.registrations = PostgresRegistrations(database, rate_limits)
        self.attempts = PostgresLogInAttempts(database, rate_limits)
        self.sessions = PostgresSessionRepository(database, new_id)
        self.unit_of_work = PostgresUnitOfWorkFactory(database, new_id, rate_limits)

    async def empty(self) -> None:
        await self.database.fetch("TRUNCATE users, credentials, sessions, rate_limits, events")

    async def advance(self, by: timedelta) -> None:
        for table, columns in _TIMES.items():
            assignments = ", ".join(f"{column} = {column} - $1::interval" for column in columns)
            await self.database.fetch(f"UPDATE {table} SET {assignments}", by)

    async def disable(self, user_id: UUID) -> None:
        await self.database.fetch("UPDATE users SET status = 'disabled' WHERE id = $1", user_id)

    async def change_password_version(self, user_id: UUID) -> None:
        await self.database.fetch("UPDATE credentials SET version = version + 1 WHERE user_id = $1", user_id)

    async def events(self) -> list[RecordedEvent]:
        rows = await self.database.fetch(
            "SELECT *, host(ip_address) AS address FROM events ORDER BY transaction_id, position"
        )
        return [
            RecordedEvent(
                type=row["type"],
                user_id=row["user_id"],
                session_id=row["session_id"],
                data=json.loads(row["data"]),
                origin=Origin(ip_address=row["address"], user_agent=row["user_agent"], request_id=row["request_id"]),
            )
            for row in rows
        ]

    async def session_row(self, session_id: UUID) -> StoredSession | None:
        row = await self.database.fetch_row(
            f"SELECT {SESSION_COLUMNS}, s.user_id, s.ended_at, s.end_reason, s.refresh_digest, s.refresh_sealed"
            " FROM sessions AS s WHERE s.id = $1",
            session_id,
        )
        if row is None:
            return None
        session = session_of(row)
        if row["end_reason"]:
            session = session.revoke(EndReason(row["end_reason"]), row["ended_at"])
        return StoredSession(session=session, digest=row["refresh_digest"], sealed=row["refresh_sealed"])


def rate_limits_of(limits: Mapping[str, Limit]) -> RateLimits:
    def rule(name: str) -> Rule:
        return Rule(name, limits[name].burst, limits[name].period)

    return RateLimits(
        digest=lambda data: hmac.digest(b"a key of the tests", data, "sha256"),
        sign_in_account=rule(SIGN_IN_ACCOUNT),
        sign_in_source=rule(SIGN_IN_SOURCE),
        sign_up_account=rule(SIGN_UP_ACCOUNT),
        sign_up_source=rule(SIGN_UP_SOURCE),
    )


@asynccontextmanager
async def open_postgres_world(server: DatabaseServer, limits: Mapping[str, Limit]) -> AsyncIterator[PostgresWorld]:
    url = await server.create()
    try:
        async with Database(DatabaseOptions(url=url, pool_size=20)).opened() as database:
            yield PostgresWorld(database, limits)
    finally:
        await server.drop(url)
