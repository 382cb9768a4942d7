"""Changes of address in PostgreSQL: one that waits for each account, and the addresses that were replaced lately."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from application.sessions.ports import Caller
from domain.accounts.errors import EmailTaken
from domain.accounts.identifiers import EmailAddress
from domain.recovery.email_change import FORMER_KEPT, PENDING_KEPT, EmailChange, FormerEmail
from domain.recovery.one_time_token import token_refused
from domain.sessions.errors import InvalidAccessToken
from infrastructure.postgres.database import Database
from infrastructure.postgres.purges import BATCH, purge_by
from infrastructure.postgres.sessions import IS_LIVE, LOCK_USER
from infrastructure.postgres.writes import Lock, Write

_PENDING = "SELECT id, email, email_canonical FROM email_changes WHERE user_id = $1"
_FORMER = "SELECT id, user_id, email, email_canonical, replaced_at FROM former_emails WHERE id = $1"

# The inner SELECT waits for whoever ends the session at this moment, as a freeze does, and then finds it ended. The
# user before the session: in that order whatever ends sessions locks them.
_REQUEST = f"""
INSERT INTO email_changes AS waiting (user_id, id, email, email_canonical)
SELECT u.id, $3::uuid, $4::text, $5::text FROM users AS u JOIN sessions AS s ON s.user_id = u.id
WHERE s.id = $1::uuid AND s.user_id = $2::uuid AND {IS_LIVE}
FOR NO KEY UPDATE OF u FOR SHARE OF s
ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, email = excluded.email,
    email_canonical = excluded.email_canonical, requested_at = now()
RETURNING user_id
"""

_DROP = "DELETE FROM email_changes WHERE user_id = $1::uuid RETURNING user_id"

# By the clock and not by the transaction's begin, which may lie before that of one that held the lock before.
_KEEP_FORMER = """
INSERT INTO former_emails (id, user_id, email, email_canonical, replaced_at)
SELECT n.id, u.id, u.email, u.email_canonical, clock_timestamp()
FROM users AS u JOIN email_changes AS n ON n.user_id = u.id
WHERE u.id = $1::uuid AND n.id = $2::uuid AND u.email_verified AND u.email_canonical <> n.email_canonical
RETURNING id
"""

_APPLY = """
UPDATE users AS u SET email = n.email, email_canonical = n.email_canonical, email_verified = true,
    updated_at = greatest(now(), u.updated_at)
FROM email_changes AS n
WHERE u.id = $1::uuid AND n.user_id = u.id AND n.id = $2::uuid
RETURNING u.id
"""

_FIRST = """
SELECT f.user_id, f.email, f.email_canonical, f.replaced_at FROM former_emails AS f
WHERE f.user_id = $1::uuid AND f.email_canonical = $2::text
ORDER BY f.replaced_at LIMIT 1
"""

# domain.recovery.email_change.undone_by.
_RESTORE = f"""
UPDATE users AS u SET email = first.email, email_canonical = first.email_canonical, email_verified = true,
    updated_at = greatest(now(), u.updated_at)
FROM ({_FIRST}) AS first
WHERE u.id = first.user_id
RETURNING u.id
"""

_FORGET_SINCE = f"""
DELETE FROM former_emails AS undone USING ({_FIRST}) AS first
WHERE undone.user_id = first.user_id AND undone.replaced_at >= first.replaced_at
RETURNING undone.id
"""

_REQUIRE_UNPROVEN = "SELECT id FROM users WHERE id = $1::uuid AND NOT email_verified"

_CONFLICTS = (("users_email_canonical_key", EmailTaken),)

_PURGE_PENDING = f"""
DELETE FROM email_changes WHERE user_id IN (
    SELECT user_id FROM email_changes WHERE requested_at < now() - $1::interval
    LIMIT {BATCH} FOR UPDATE SKIP LOCKED
)
RETURNING user_id
"""
_PURGE_FORMER = f"""
DELETE FROM former_emails WHERE id IN (
    SELECT id FROM former_emails WHERE replaced_at < now() - $1::interval
    LIMIT {BATCH} FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class PostgresEmailChanges:
    """One statement a question."""

    database: Database

    async def pending(self, user_id: UUID) -> EmailChange | None:
        """See the port."""
        row = await self.database.fetch_row(_PENDING, user_id)
        return EmailChange(id=row["id"], email=EmailAddress(row["email"], row["email_canonical"])) if row else None

    async def former(self, change_id: UUID) -> FormerEmail | None:
        """See the port."""
        row = await self.database.fetch_row(_FORMER, change_id)
        if row is None:
            return None
        email = EmailAddress(row["email"], row["email_canonical"])
        return FormerEmail(change_id=row["id"], user_id=row["user_id"], email=email, replaced_at=row["replaced_at"])


@dataclass(frozen=True, slots=True)
class PostgresEmailChangeWriter:
    """Stages writes of changes of address."""

    stage: Callable[[Write], None]

    def request(self, caller: Caller, change: EmailChange) -> None:
        """One that waits, if the caller's session is live."""
        email = change.email
        arguments = (caller.session_id, caller.user_id, change.id, email.original, email.canonical)
        self.stage(Write(statement=_REQUEST, arguments=arguments, unless_written=InvalidAccessToken))

    def drop_of(self, user_id: UUID) -> None:
        """None that waits."""
        self.stage(Write(statement=_DROP, arguments=(user_id,)))

    def apply(self, user_id: UUID, change: EmailChange) -> None:
        """The new address, behind the lock on the user."""
        arguments = (user_id, change.id)
        self.stage(Write(statement=_KEEP_FORMER, arguments=arguments, lock=Lock(LOCK_USER, (user_id,))))
        self.stage(Write(statement=_APPLY, arguments=arguments, unless_written=token_refused, conflicts=_CONFLICTS))
        self.drop_of(user_id)

    def undo(self, user_id: UUID, email: EmailAddress) -> None:
        """The address that was replaced, and nothing of what came after it."""
        arguments = (user_id, email.canonical)
        self.stage(Write(statement=_RESTORE, arguments=arguments, conflicts=_CONFLICTS))
        self.stage(Write(statement=_FORGET_SINCE, arguments=arguments))

    def require_unproven(self, user_id: UUID) -> None:
        """Refuse the whole when the address is proven."""
        self.stage(Write(statement=_REQUIRE_UNPROVEN, arguments=(user_id,), unless_written=EmailTaken))


async def purge(database: Database) -> None:
    """Delete changes that nobody can prove or undo any more, 1,000 a statement, past those that are in use."""
    for statement, kept in ((_PURGE_PENDING, PENDING_KEPT), (_PURGE_FORMER, FORMER_KEPT)):
        await purge_by(database, statement, kept)
