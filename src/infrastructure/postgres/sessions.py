"""Sessions in PostgreSQL: one row each, and no rows for tokens.

The row holds the digest of the current refresh token's secret and that secret sealed under the secret of the token
before, so a dump opens nothing (R08) and the token just replaced can still be answered with its successor (R03).
"""

from collections.abc import Callable
from dataclasses import dataclass

from asyncpg import Record

from application.origin import Origin
from application.ports import IdGenerator
from application.sessions.ports import (
    Caller,
    LiveSession,
    NewRefreshToken,
    PresentedRefreshToken,
    RefreshedSession,
)
from domain.credentials.password import PasswordCredential
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials
from domain.sessions.refresh_chain import GRACE, RefreshChain
from domain.sessions.session import Authentication, EndReason, Session
from infrastructure.postgres.accounts import USER_COLUMNS, user_of
from infrastructure.postgres.database import Database
from infrastructure.postgres.events import COLUMNS as EVENT_COLUMNS
from infrastructure.postgres.writes import Write

SESSION_COLUMNS = """
s.id AS session_id, s.auth_time, s.amr, s.acr, s.client_id, s.scope, s.created_at AS session_created_at,
s.last_used_at, s.idle_lifetime, s.idle_expires_at, s.expires_at, host(s.ip_address) AS ip_address, s.user_agent,
s.generation, s.rotated_at, s.previous_rotated_at, s.late, s.previous_late
"""

_IS_LIVE = "s.ended_at IS NULL AND s.idle_expires_at > now() AND s.expires_at > now() AND u.status = 'active'"

LIVE = f"""
SELECT now() AS now, {SESSION_COLUMNS}, {USER_COLUMNS}
FROM sessions AS s JOIN users AS u ON u.id = s.user_id
WHERE s.id = $1 AND s.user_id = $2 AND {_IS_LIVE}
"""

# domain.sessions.refresh_chain as conditions on the row. Whoever loses a race for the row waits for its lock and has
# every condition judged again on what the winner left, so that any number at once leave one chain.
_AGE = "s.generation - $2::bigint"
_GRACE = f"interval '{GRACE.total_seconds()} seconds'"
_ROTATES = f"({_AGE} = 0 AND s.refresh_digest = $3::bytea)"
_IS_LATE = f"({_AGE} = 1 AND s.rotated_at < now() - {_GRACE})"
_IN_BURST = f"coalesce(s.rotated_at >= now() - {_GRACE} AND s.previous_rotated_at >= now() - {_GRACE}, false)"
_REUSES = f"(({_IS_LATE} AND s.previous_late) OR ({_AGE} > 1 AND NOT {_IN_BURST}))"

# The joined user row is not read again after waiting for the lock: whatever disables a user or changes a password
# ends the session rows in its own transaction.
REFRESH = f"""
WITH s AS (
    UPDATE sessions AS s SET
        generation = CASE WHEN {_ROTATES} THEN s.generation + 1 ELSE s.generation END,
        refresh_digest = CASE WHEN {_ROTATES} THEN $4::bytea ELSE s.refresh_digest END,
        refresh_sealed = CASE WHEN {_ROTATES} THEN $5::bytea ELSE s.refresh_sealed END,
        rotated_at = CASE WHEN {_ROTATES} THEN now() ELSE s.rotated_at END,
        previous_rotated_at = CASE WHEN {_ROTATES} THEN s.rotated_at ELSE s.previous_rotated_at END,
        late = CASE WHEN {_ROTATES} THEN false ELSE s.late OR ({_IS_LATE} AND NOT s.previous_late) END,
        previous_late = CASE WHEN {_ROTATES} THEN s.late ELSE s.previous_late END,
        last_used_at = CASE WHEN {_ROTATES} THEN now() ELSE s.last_used_at END,
        idle_expires_at = CASE WHEN {_ROTATES} THEN least(now() + s.idle_lifetime, s.expires_at)
            ELSE s.idle_expires_at END,
        ended_at = CASE WHEN {_REUSES} THEN now() ELSE s.ended_at END,
        end_reason = CASE WHEN {_REUSES} THEN '{EndReason.REFRESH_TOKEN_REUSED}' ELSE s.end_reason END
    FROM users AS u
    WHERE s.id = $1::uuid AND u.id = s.user_id AND {_IS_LIVE}
    RETURNING s.*
), reused AS (
    INSERT INTO events ({EVENT_COLUMNS})
    SELECT $6::uuid, 'session.ended', s.user_id, s.id, $7::text, $8::text::inet, $9::text,
        '{{"reason": "{EndReason.REFRESH_TOKEN_REUSED}"}}'::jsonb
    FROM s WHERE s.ended_at = now() AND s.end_reason = '{EndReason.REFRESH_TOKEN_REUSED}'
)
SELECT now() AS now, s.refresh_sealed, {SESSION_COLUMNS}, {USER_COLUMNS}
FROM s JOIN users AS u ON u.id = s.user_id
WHERE s.generation = $2::bigint + 1 AND {_IS_LIVE}
"""

# The lock holds off a password change and a disabling until this sign-in is done, or waits for one and then sees it.
_START = """
INSERT INTO sessions (
    id, user_id, auth_time, amr, acr, client_id, scope, created_at, last_used_at, idle_lifetime, idle_expires_at,
    expires_at, ip_address, user_agent, generation, refresh_digest
)
SELECT $1::uuid, u.id, $2::timestamptz, $3::text[], $4::text, $5::text, $6::text, $7::timestamptz, $7::timestamptz,
    $8::interval, $9::timestamptz, $10::timestamptz, $11::text::inet, $12::text, $13::bigint, $14::bytea
FROM credentials AS c JOIN users AS u ON u.id = c.user_id
WHERE c.id = $15::uuid AND c.version = $16::integer AND u.status = 'active'
FOR SHARE OF c, u
RETURNING id
"""

_END = f"""
UPDATE sessions AS s SET ended_at = now(), end_reason = $3::text
FROM users AS u
WHERE s.id = $1::uuid AND s.user_id = $2::uuid AND u.id = s.user_id AND {_IS_LIVE}
RETURNING s.id
"""


def session_of(row: Record) -> Session:
    """The live session in a row that has the session's columns and ``user_id``."""
    return Session(
        id=row["session_id"],
        user_id=row["user_id"],
        authentication=Authentication(
            auth_time=row["auth_time"],
            methods=tuple(row["amr"]),
            client_id=row["client_id"],
            context_class=row["acr"],
            scope=row["scope"],
        ),
        created_at=row["session_created_at"],
        last_used_at=row["last_used_at"],
        idle_lifetime=row["idle_lifetime"],
        idle_expires_at=row["idle_expires_at"],
        expires_at=row["expires_at"],
        ip_address=row["ip_address"],
        user_agent=row["user_agent"],
        chain=RefreshChain(
            generation=row["generation"],
            rotated_at=row["rotated_at"],
            previous_rotated_at=row["previous_rotated_at"],
            late=row["late"],
            previous_late=row["previous_late"],
        ),
    )


def _live(row: Record) -> LiveSession:
    return LiveSession(user=user_of(row), session=session_of(row), now=row["now"])


@dataclass(frozen=True, slots=True)
class PostgresSessionRepository:
    """Sessions as they stand, one statement a question."""

    database: Database
    new_id: IdGenerator

    async def live(self, caller: Caller) -> LiveSession | None:
        """See the port."""
        row = await self.database.fetch_row(LIVE, caller.session_id, caller.user_id)
        return _live(row) if row else None

    async def refresh(
        self, presented: PresentedRefreshToken, digest: bytes, successor: NewRefreshToken, origin: Origin
    ) -> RefreshedSession | None:
        """See the port."""
        tokens = (presented.session_id, presented.generation, digest, successor.digest, successor.sealed)
        request = (origin.request_id, origin.ip_address, origin.user_agent)
        row = await self.database.fetch_row(REFRESH, *tokens, self.new_id(), *request)
        return RefreshedSession(live=_live(row), sealed=row["refresh_sealed"]) if row else None


@dataclass(frozen=True, slots=True)
class PostgresSessionWriter:
    """Stages writes of sessions."""

    stage: Callable[[Write], None]

    def start(self, session: Session, token: NewRefreshToken, credential: PasswordCredential) -> None:
        """A new session, if that version of that credential still opens one."""
        how = session.authentication
        self.stage(
            Write(
                statement=_START,
                arguments=(
                    session.id, how.auth_time, list(how.methods), how.context_class, how.client_id, how.scope,
                    session.created_at, session.idle_lifetime, session.idle_expires_at, session.expires_at,
                    session.ip_address, session.user_agent, session.chain.generation, token.digest,
                    credential.id, credential.version,
                ),
                unless_written=InvalidCredentials,
            )
        )  # fmt: skip

    def end(self, caller: Caller, reason: EndReason) -> None:
        """End the caller's session, if it is live."""
        arguments = (caller.session_id, caller.user_id, reason.value)
        self.stage(Write(statement=_END, arguments=arguments, unless_written=InvalidAccessToken))
