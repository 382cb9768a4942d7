"""The ports over PostgreSQL, for the contract suites."""

import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from application.origin import Origin
from domain.limits import Rule
from domain.sessions.events import LOG_IN_LIMITED, ended_topics
from domain.sessions.session import EndReason
from infrastructure.ids import new_id
from infrastructure.postgres.accounts import PostgresRegistrations
from infrastructure.postgres.archive import PostgresArchive
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.device_history import PostgresDeviceHistory
from infrastructure.postgres.email_changes import PostgresEmailChanges
from infrastructure.postgres.events import subscribers_of
from infrastructure.postgres.limit_notices import LimitNotices
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.log_in_attempts import PostgresLogInAttempts
from infrastructure.postgres.mail_allowance import PostgresMailAllowance
from infrastructure.postgres.one_time_tokens import PostgresOneTimeTokenRepository
from infrastructure.postgres.outbox import PostgresOutbox
from infrastructure.postgres.outbox_desk import PostgresOutboxDesk
from infrastructure.postgres.photos import PostgresPhotoLedger
from infrastructure.postgres.reauthentications import PostgresReauthentications
from infrastructure.postgres.recovery_requests import PostgresRecoveryRequests
from infrastructure.postgres.sessions import SESSION_COLUMNS, PostgresSessionRepository, session_of
from infrastructure.postgres.sign_up_confirmations import PostgresSignUpConfirmations
from infrastructure.postgres.sign_ups import PostgresSignUps
from infrastructure.postgres.unit_of_work import PostgresUnitOfWorkFactory
from infrastructure.postgres.user_directory import PostgresUserDirectory
from infrastructure.postgres.usernames import PostgresUsernameHistory
from infrastructure.refusals import Refusals
from tests.support.database import DatabaseServer, owner_url_of
from tests.support.fakes import FakeDeviceTokens
from tests.support.memory_users import STRETCH
from tests.support.rows import let_the_audit_log_be_changed
from tests.support.world import (
    DEVICE_LIFETIME,
    EXPORT_ACCOUNT,
    MAIL_RECIPIENT,
    MAIL_TOTAL,
    RECOVERY_ACCOUNT,
    RECOVERY_ALL,
    RECOVERY_SOURCE,
    REFUSAL_NOTICE,
    SIGN_IN_ACCOUNT,
    SIGN_IN_ALL,
    SIGN_IN_DEVICE,
    SIGN_IN_NOTICE,
    SIGN_IN_PAIR,
    SIGN_IN_SOURCE,
    SIGN_UP_ACCOUNT,
    SIGN_UP_ALL,
    SIGN_UP_SOURCE,
    SUBSCRIPTIONS,
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
    "reserved_usernames": ("reserved_at",),
    "pending_registrations": ("created_at", "expires_at"),
    "one_time_tokens": ("created_at", "expires_at"),
    "email_changes": ("requested_at",),
    "former_emails": ("replaced_at",),
    "idempotency_keys": ("created_at",),
    "unowned_photos": ("since",),
    "rate_limits": ("arrival_at",),
    "deliveries": ("created_at", "due_at", "claimed_until", "parked_at"),
    "events": ("occurred_at",),
}  # fmt: skip

_WITHOUT_TIMES = ("audit_queue", "audit_entries", "audit_heads", "audit_keys", "audit_erasures", "audit_signing_keys")


_CHANGES = "username_changed_at = ARRAY(SELECT change - $1::interval FROM unnest(username_changed_at) AS change)"


def _shifted(table: str, columns: Sequence[str]) -> str:
    assignments = [f"{column} = {column} - $1::interval" for column in columns]
    return f"UPDATE {table} SET {', '.join([*assignments, *([_CHANGES] if table == 'users' else [])])}"


_ADVANCE = f"""
WITH {", ".join(f"{table}_shifted AS ({_shifted(table, columns)})" for table, columns in _TIMES.items())} SELECT
"""


class PostgresWorld:
    """Implements :class:`tests.support.world.World`; moves the clock by shifting every time into the past.

    ``database`` is the adapters', by the service's role. What no adapter may do is done as the ``owner``.
    """

    def __init__(self, database: Database, limits: Mapping[str, Rule], owner: Database | None = None) -> None:
        self.limits = limits
        self.database = database
        self.owner = owner or database
        rate_limits = rate_limits_of(limits)
        self.registrations = PostgresRegistrations(database, rate_limits, username_digest, key_digest)
        self.usernames = PostgresUsernameHistory(database)
        notices = LimitNotices(new_id, subscribers_of([LOG_IN_LIMITED], SUBSCRIPTIONS))
        self.attempts = PostgresLogInAttempts(database, rate_limits, notices, FakeDeviceTokens())
        self.photos = PostgresPhotoLedger(database)
        self.reauthentications = PostgresReauthentications(database, rate_limits, notices)
        self.archive = PostgresArchive(database, rate_limits)
        self.recovery_requests = PostgresRecoveryRequests(database, rate_limits)
        self.one_time_tokens = PostgresOneTimeTokenRepository(database)
        self.email_changes = PostgresEmailChanges(database)
        self.sign_ups = PostgresSignUps(database)
        self.sign_up_confirmations = PostgresSignUpConfirmations(database, rate_limits, notices)
        self.sessions = PostgresSessionRepository(
            database, new_id, subscribers_of(ended_topics(EndReason.REFRESH_TOKEN_REUSED), SUBSCRIPTIONS)
        )
        self.outbox = PostgresOutbox(database, new_id)
        self.outbox_desk = PostgresOutboxDesk(database)
        self.unit_of_work = PostgresUnitOfWorkFactory(database, new_id, username_digest, rate_limits, SUBSCRIPTIONS)
        self.devices = PostgresDeviceHistory(database)
        self.mail_allowance = PostgresMailAllowance(database, rate_limits)
        self.directory = PostgresUserDirectory(database, stretch=STRETCH)

    async def empty(self) -> None:
        await self.owner.fetch(f"TRUNCATE {', '.join((*_TIMES, *_WITHOUT_TIMES))}")

    async def advance(self, by: timedelta) -> None:
        await self.owner.fetch(_ADVANCE, by)

    async def disable(self, user_id: UUID) -> None:
        await self.owner.fetch("UPDATE users SET status = 'disabled' WHERE id = $1", user_id)

    async def change_email(self, user_id: UUID, email: str) -> None:
        await self.owner.fetch("UPDATE users SET email = $2, email_canonical = $2 WHERE id = $1", user_id, email)

    async def change_password_version(self, user_id: UUID) -> None:
        await self.owner.fetch("UPDATE credentials SET version = version + 1 WHERE user_id = $1", user_id)

    async def end_session(self, session_id: UUID, reason: str) -> None:
        await self.owner.fetch(
            "UPDATE sessions SET ended_at = now(), end_reason = $2 WHERE id = $1", session_id, reason
        )

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

    async def sign_up_tokens(self, sign_up_id: UUID) -> int:
        row = await self.database.fetch_row(
            "SELECT cardinality(token_digests) AS tokens FROM pending_registrations WHERE id = $1", sign_up_id
        )
        return int(row["tokens"]) if row else 0

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


def username_digest(canonical: str) -> bytes:
    return hmac.digest(b"a key of the tests", canonical.encode(), "sha256")


def key_digest(text: str) -> bytes:
    return hmac.digest(b"another key of the tests", text.encode(), "sha256")


def rate_limits_of(limits: Mapping[str, Rule]) -> RateLimits:
    """Without a memory of refusals: it knows nothing of the time that a test lets pass."""

    def rule(name: str) -> Rule:
        return limits[name]

    return RateLimits(
        refusals=Refusals(capacity=0),
        budget_shares=1,
        device_lifetime=DEVICE_LIFETIME,
        sign_in_pair=rule(SIGN_IN_PAIR),
        sign_in_device=rule(SIGN_IN_DEVICE),
        sign_in_all=rule(SIGN_IN_ALL),
        sign_up_all=rule(SIGN_UP_ALL),
        recovery_all=rule(RECOVERY_ALL),
        digest=lambda data: hmac.digest(b"a key of the tests", data, "sha256"),
        sign_in_account=rule(SIGN_IN_ACCOUNT),
        sign_in_source=rule(SIGN_IN_SOURCE),
        sign_up_account=rule(SIGN_UP_ACCOUNT),
        sign_up_source=rule(SIGN_UP_SOURCE),
        export_account=rule(EXPORT_ACCOUNT),
        recovery_account=rule(RECOVERY_ACCOUNT),
        recovery_source=rule(RECOVERY_SOURCE),
        sign_in_notice=rule(SIGN_IN_NOTICE),
        refusal_notice=rule(REFUSAL_NOTICE),
        mail_recipient=rule(MAIL_RECIPIENT),
        mail_total=rule(MAIL_TOTAL),
    )


@asynccontextmanager
async def open_postgres_world(server: DatabaseServer, limits: Mapping[str, Rule]) -> AsyncIterator[PostgresWorld]:
    url = await server.create()
    await let_the_audit_log_be_changed(url)
    try:
        async with (
            Database(DatabaseOptions(url=url, pool_size=20)).opened() as database,
            Database(DatabaseOptions(url=owner_url_of(url), pool_size=1)).opened() as owner,
        ):
            yield PostgresWorld(database, limits, owner)
    finally:
        await server.drop(url)
