"""Sessions in PostgreSQL: one row each, and no rows for tokens.

The row holds the digest of the current refresh token's secret and that secret sealed under the secret of the token
before, so a dump opens nothing (R08) and the token just replaced can still be answered with its successor (R03).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from application.origin import Origin
from application.outbox.ports import Subscriptions
from application.ports import IdGenerator
from application.sessions.ports import (
    Caller,
    LiveSession,
    NewRefreshToken,
    PresentedRefreshToken,
    RefreshedSession,
    SessionPage,
    SessionPosition,
)
from domain.credentials.password import PasswordCredential
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials, SessionNotFound
from domain.sessions.events import ended_topics
from domain.sessions.refresh_chain import GRACE, RefreshChain
from domain.sessions.session import Authentication, EndReason, Session
from infrastructure.postgres.accounts import USER_COLUMNS, user_of
from infrastructure.postgres.database import Database
from infrastructure.postgres.events import COLUMNS as EVENT_COLUMNS
from infrastructure.postgres.events import NEW_ID, delivered_to, subscribers_of
from infrastructure.postgres.writes import Lock, Write

SESSION_COLUMNS = """
s.id AS session_id, s.auth_time, s.amr, s.acr, s.client_id, s.scope, s.created_at AS session_created_at,
s.last_used_at, s.idle_lifetime, s.idle_expires_at, s.expires_at, host(s.ip_address) AS ip_address, s.user_agent,
s.device, s.generation, s.rotated_at, s.previous_rotated_at, s.late, s.previous_late
"""

IS_LIVE = "s.ended_at IS NULL AND s.idle_expires_at > now() AND s.expires_at > now() AND u.status = 'active'"

LIVE = f"""
SELECT now() AS now, {SESSION_COLUMNS}, {USER_COLUMNS}
FROM sessions AS s JOIN users AS u ON u.id = s.user_id
WHERE s.id = $1 AND s.user_id = $2 AND {IS_LIVE}
"""

# A row without a session is a page that is empty; no row at all is whoever may not ask. A page is asked for with one
# session more than it has room for, which tells whether another follows.
_PAGE_OF = f"""
SELECT {SESSION_COLUMNS}, whose.user_id
FROM ({{whose}}) AS whose LEFT JOIN LATERAL (
    SELECT s.* FROM sessions AS s JOIN users AS u ON u.id = s.user_id
    WHERE s.user_id = whose.user_id AND {IS_LIVE}
        AND ($1::timestamptz IS NULL OR (s.created_at, s.id) < ($1::timestamptz, $2::uuid))
    ORDER BY s.created_at DESC, s.id DESC
    LIMIT $3::integer + 1
) AS s ON true
ORDER BY s.created_at DESC, s.id DESC
"""
LIVE_OF = _PAGE_OF.format(whose="SELECT $4::uuid AS user_id")
LIVE_BESIDE = _PAGE_OF.format(
    whose=f"""
    SELECT s.user_id FROM sessions AS s JOIN users AS u ON u.id = s.user_id
    WHERE s.user_id = $4::uuid AND s.id = $5::uuid AND {IS_LIVE}
    """
)

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
    WHERE s.id = $1::uuid AND u.id = s.user_id AND {IS_LIVE}
    RETURNING s.*
), reused AS (
    INSERT INTO events ({EVENT_COLUMNS})
    SELECT $6::uuid, 'session.ended', s.user_id, s.id, $7::text, $8::text::inet, $9::text,
        '{{"reason": "{EndReason.REFRESH_TOKEN_REUSED}"}}'::jsonb
    FROM s WHERE s.ended_at = now() AND s.end_reason = '{EndReason.REFRESH_TOKEN_REUSED}'
    RETURNING position, user_id
), told AS (
    INSERT INTO deliveries (subscriber, event_position, user_id)
    SELECT t.name, r.position, r.user_id FROM reused AS r CROSS JOIN unnest($10::text[]) AS t (name)
)
SELECT now() AS now, s.refresh_sealed, {SESSION_COLUMNS}, {USER_COLUMNS}
FROM s JOIN users AS u ON u.id = s.user_id
WHERE s.generation = $2::bigint + 1 AND {IS_LIVE}
"""

# The locks hold off a password change and a disabling until this sign-in is done, or wait for one and then see it. The
# one on the credential also has the user's sign-ins begin one after the other, so that each sees those before it.
_START = """
INSERT INTO sessions (
    id, user_id, auth_time, amr, acr, client_id, scope, created_at, last_used_at, idle_lifetime, idle_expires_at,
    expires_at, ip_address, user_agent, generation, refresh_digest, device
)
SELECT $1::uuid, u.id, $2::timestamptz, $3::text[], $4::text, $5::text, $6::text, $7::timestamptz, $7::timestamptz,
    $8::interval, $9::timestamptz, $10::timestamptz, $11::text::inet, $12::text, $13::bigint, $14::bytea, $17::text
FROM credentials AS c JOIN users AS u ON u.id = c.user_id
WHERE c.id = $15::uuid AND c.version = $16::integer AND u.status = 'active'
FOR NO KEY UPDATE OF c FOR SHARE OF u
RETURNING id, user_id
"""

# What the session is started by gives its row, so the function is not called before the lock is held.
_MAKE_ROOM = """
SELECT ended.id, started.user_id
FROM previous AS started, end_sessions_beyond(started.user_id, started.id, $1::integer, $2::text) AS ended (id)
"""

_END = f"""
UPDATE sessions AS s SET ended_at = now(), end_reason = $3::text
FROM users AS u
WHERE s.id = $1::uuid AND s.user_id = $2::uuid AND u.id = s.user_id AND {IS_LIVE}
RETURNING s.id
"""


# It waits for whoever ends the session at this moment, as a reset does, and then finds it ended: nothing is written
# behind a takeover (S16). The user before the session: in that order whatever ends sessions locks them.
_REQUIRE_LIVE = f"""
SELECT s.id FROM users AS u JOIN sessions AS s ON s.user_id = u.id
WHERE s.id = $1::uuid AND s.user_id = $2::uuid AND {IS_LIVE}
FOR NO KEY UPDATE OF u FOR SHARE OF s
"""

# Against a sign-in that has begun: it holds these rows until its session is there to be seen, or waits for them. In
# the order in which a sign-in takes them.
LOCK_USER = """
WITH c AS (SELECT id FROM credentials WHERE user_id = $1 ORDER BY id FOR UPDATE),
u AS (SELECT id FROM users WHERE id = $1 FOR UPDATE)
SELECT (SELECT count(*) FROM c), (SELECT count(*) FROM u)
"""

_END_ALL_OF = """
UPDATE sessions AS s SET ended_at = now(), end_reason = $2::text
WHERE s.user_id = $1::uuid AND s.id IS DISTINCT FROM $3::uuid
    AND s.ended_at IS NULL AND s.idle_expires_at > now() AND s.expires_at > now()
RETURNING s.id, s.user_id
"""

# One event a session. Their ids are made here: how many sessions there are is not known before.
_RECORD_ENDS = f"""
INSERT INTO events ({EVENT_COLUMNS})
SELECT {NEW_ID}, 'session.ended', ended.user_id, ended.id, $2::text, $3::text::inet, $4::text,
    jsonb_build_object('reason', $1::text) || $5::jsonb
FROM previous AS ended
RETURNING position, user_id
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
        device=row["device"],
        chain=RefreshChain(
            generation=row["generation"],
            rotated_at=row["rotated_at"],
            previous_rotated_at=row["previous_rotated_at"],
            late=row["late"],
            previous_late=row["previous_late"],
        ),
    )


def live_session_of(row: Record) -> LiveSession:
    """The live session and its user in a row that has the columns of both and ``now``."""
    return LiveSession(user=user_of(row), session=session_of(row), now=row["now"])


def _place(after: SessionPosition | None) -> tuple[object, object]:
    return (after.created_at, after.id) if after else (None, None)


def _page(rows: Sequence[Record], limit: int) -> SessionPage:
    sessions = [session_of(row) for row in rows[:limit] if row["session_id"]]
    more = SessionPosition(created_at=sessions[-1].created_at, id=sessions[-1].id) if len(rows) > limit else None
    return SessionPage(sessions=sessions, next=more)


@dataclass(frozen=True, slots=True)
class PostgresSessionRepository:
    """Sessions as they stand, one statement a question."""

    database: Database
    new_id: IdGenerator
    told_of_reuse: Sequence[str] = ()
    """The subscribers that are told when a refresh token is reused."""

    async def live(self, caller: Caller) -> LiveSession | None:
        """See the port."""
        row = await self.database.fetch_row(LIVE, caller.session_id, caller.user_id)
        return live_session_of(row) if row else None

    async def live_of(self, user_id: UUID, *, limit: int, after: SessionPosition | None = None) -> SessionPage:
        """See the port."""
        return _page(await self.database.fetch(LIVE_OF, *_place(after), limit, user_id), limit)

    async def live_beside(
        self, caller: Caller, *, limit: int, after: SessionPosition | None = None
    ) -> SessionPage | None:
        """See the port."""
        whose = (caller.user_id, caller.session_id)
        rows = await self.database.fetch(LIVE_BESIDE, *_place(after), limit, *whose)
        return _page(rows, limit) if rows else None

    async def refresh(
        self, presented: PresentedRefreshToken, digest: bytes, successor: NewRefreshToken, origin: Origin
    ) -> RefreshedSession | None:
        """See the port."""
        tokens = (presented.session_id, presented.generation, digest, successor.digest, successor.sealed)
        request = (origin.request_id, origin.ip_address, origin.user_agent)
        row = await self.database.fetch_row(REFRESH, *tokens, self.new_id(), *request, self.told_of_reuse)
        return RefreshedSession(live=live_session_of(row), sealed=row["refresh_sealed"]) if row else None


@dataclass(frozen=True, slots=True)
class PostgresSessionWriter:
    """Stages writes of sessions."""

    stage: Callable[[Write], None]
    origin: Origin
    subscriptions: Subscriptions

    def require_live(self, caller: Caller) -> None:
        """Refuse the whole unless the caller's session is live."""
        arguments = (caller.session_id, caller.user_id)
        self.stage(Write(statement=_REQUIRE_LIVE, arguments=arguments, unless_written=InvalidAccessToken))

    def start(
        self, session: Session, token: NewRefreshToken, credential: PasswordCredential, *, at_most: int | None = None
    ) -> None:
        """A new session, if that version of that credential still opens one."""
        how = session.authentication
        self.stage(
            Write(
                statement=_START,
                arguments=(
                    session.id, how.auth_time, list(how.methods), how.context_class, how.client_id, how.scope,
                    session.created_at, session.idle_lifetime, session.idle_expires_at, session.expires_at,
                    session.ip_address, session.user_agent, session.chain.generation, token.digest,
                    credential.id, credential.version, session.device,
                ),
                unless_written=InvalidCredentials,
            )
        )  # fmt: skip
        if at_most is not None:
            self.stage(Write(statement=_MAKE_ROOM, arguments=(at_most, EndReason.SUPERSEDED.value)))
            self._record_ends(EndReason.SUPERSEDED)

    def end(self, caller: Caller, reason: EndReason) -> None:
        """End the caller's session, if it is live."""
        arguments = (caller.session_id, caller.user_id, reason.value)
        self.stage(Write(statement=_END, arguments=arguments, unless_written=InvalidAccessToken))

    def end_one_of(self, user_id: UUID, session_id: UUID, reason: EndReason) -> None:
        """End that session of the user, if it is live."""
        arguments = (session_id, user_id, reason.value)
        self.stage(Write(statement=_END, arguments=arguments, unless_written=SessionNotFound))

    def end_all_of(self, user_id: UUID, reason: EndReason, *, but: UUID | None = None) -> None:
        """End the user's live sessions, each with its event."""
        lock = Lock(LOCK_USER, (user_id,))
        self.stage(Write(statement=_END_ALL_OF, arguments=(user_id, reason.value, but), lock=lock))
        self._record_ends(reason)

    def _record_ends(self, reason: EndReason) -> None:
        """Of those that the write before gives."""
        request = (self.origin.request_id, self.origin.ip_address, self.origin.user_agent)
        attribution = json.dumps(self.origin.attribution)
        self.stage(Write(statement=_RECORD_ENDS, arguments=(reason.value, *request, attribution)))
        for write in delivered_to(subscribers_of(ended_topics(reason), self.subscriptions)):
            self.stage(write)
