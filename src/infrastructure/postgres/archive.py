"""All that is held on a user, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from asyncpg import Record

from application.accounts.export_account import ArchiveContents, HeldCredential, HeldEvent, HeldToken
from application.origin import NOWHERE, Origin
from application.sessions.ports import Caller
from domain.credentials.password import CredentialKind
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import Session
from infrastructure.postgres.accounts import USER_COLUMNS, user_of
from infrastructure.postgres.counters import hit
from infrastructure.postgres.database import Database
from infrastructure.postgres.doors import Door
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.outbox import EVENT_COLUMNS, recorded_event_of
from infrastructure.postgres.sessions import IS_LIVE, SESSION_COLUMNS, session_of

_CALLER = f"""
SELECT {USER_COLUMNS}, u.username_changed_at
FROM sessions AS s JOIN users AS u ON u.id = s.user_id
WHERE s.id = $1 AND s.user_id = $2 AND {IS_LIVE}
"""
_CONTENTS = """
SELECT now() AS now, pg_current_snapshot()::text AS snapshot, caller.*,
    (SELECT count(*) FROM reserved_usernames WHERE user_id = $2) AS reserved_usernames,
    ARRAY(SELECT (kind, created_at, updated_at) FROM credentials WHERE user_id = $2 ORDER BY id) AS credentials,
    ARRAY(
        SELECT (purpose, created_at, expires_at) FROM one_time_tokens WHERE user_id = $2 ORDER BY created_at
    ) AS one_time_tokens,
    (SELECT n.email FROM email_changes AS n WHERE n.user_id = $2) AS pending_email,
    ARRAY(SELECT f.email FROM former_emails AS f WHERE f.user_id = $2 ORDER BY f.replaced_at) AS former_emails
"""

_SESSIONS = f"""
SELECT {SESSION_COLUMNS}, s.user_id, s.ended_at, s.end_reason FROM sessions AS s
WHERE s.user_id = $1 AND s.created_at <= $2 AND ($3::uuid IS NULL OR s.id > $3)
ORDER BY s.id LIMIT $4
"""

# The record only grows, so what the first statement saw of it can be asked for page by page.
_PAGE = """
e.position > $3 AND pg_visible_in_snapshot(e.transaction_id, $2::text::pg_snapshot) ORDER BY e.position LIMIT $4
"""
# With the sign-up that became the account, which names no user.
_EVENTS = f"""
SELECT * FROM (
    (SELECT e.position, {EVENT_COLUMNS} FROM events AS e WHERE e.user_id = $1 AND {_PAGE})
    UNION ALL
    (SELECT e.position, {EVENT_COLUMNS} FROM events AS e
    WHERE e.type = 'sign_up.requested' AND e.data ->> 'sign_up_id' = $1::uuid::text AND {_PAGE})
) AS found
ORDER BY position LIMIT $4
"""


class PostgresArchive:
    """Limit and account in one statement, the rest in pages."""

    def __init__(self, database: Database, limits: RateLimits) -> None:
        self._database = database
        self._limits = limits
        rules = {"account": limits.export_account}
        self._door = Door(
            policy="export", rules=rules, told=("account",), published="account", refusals=limits.refusals
        )
        account_hit = hit(limits.export_account, subject="$3::bytea", where_exists="caller")
        self._open = (
            f"WITH caller AS ({_CALLER}), account_hit AS ({account_hit})"
            f" {_CONTENTS}, {self._door.columns} FROM caller {self._door.joins}"
        )

    async def open(self, caller: Caller, origin: Origin = NOWHERE) -> ArchiveContents:
        """See the port."""
        account = self._limits.user_subject(caller.user_id)
        row = await self._database.fetch_row(self._open, caller.session_id, caller.user_id, account)
        if row is None:
            raise InvalidAccessToken
        self._door.judge(row, {}, origin)
        return ArchiveContents(
            now=row["now"],
            snapshot=row["snapshot"],
            user=user_of(row),
            username_changed_at=tuple(row["username_changed_at"]),
            reserved_usernames=row["reserved_usernames"],
            credentials=[
                HeldCredential(kind=CredentialKind(kind), created_at=created_at, updated_at=updated_at)
                for kind, created_at, updated_at in row["credentials"]
            ],
            one_time_tokens=[
                HeldToken(purpose=purpose, created_at=created_at, expires_at=expires_at)
                for purpose, created_at, expires_at in row["one_time_tokens"]
            ],
            pending_email=row["pending_email"],
            former_emails=tuple(row["former_emails"]),
        )

    async def sessions(self, contents: ArchiveContents, *, after: UUID | None, at_most: int) -> Sequence[Session]:
        """See the port."""
        rows = await self._database.fetch(_SESSIONS, contents.user.id, contents.now, after, at_most)
        return [_session(row) for row in rows]

    async def events(self, contents: ArchiveContents, *, after: int, at_most: int) -> Sequence[HeldEvent]:
        """See the port."""
        rows = await self._database.fetch(_EVENTS, contents.user.id, contents.snapshot, after, at_most)
        return [HeldEvent(position=row["position"], event=recorded_event_of(row)) for row in rows]


def _session(row: Record) -> Session:
    return replace(session_of(row), ended_at=row["ended_at"], end_reason=row["end_reason"])
