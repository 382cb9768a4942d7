"""One-time tokens in PostgreSQL, known by their digests alone."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.recovery.ports import OneTimeToken, Redeemable
from domain.accounts.errors import UserNotFound
from domain.accounts.identifiers import EmailAddress
from domain.recovery.email_change import EmailChange
from domain.recovery.one_time_token import TokenPurpose, token_refused
from infrastructure.postgres.accounts import USER_COLUMNS, user_of
from infrastructure.postgres.credentials import CREDENTIAL_COLUMNS, credential_of
from infrastructure.postgres.database import Database
from infrastructure.postgres.purges import BATCH, purge_by
from infrastructure.postgres.writes import Write

# Bound to the address that it was made for: after another has come it opens nothing (P11).
_NEW_EMAIL = "SELECT FROM email_changes AS n WHERE n.user_id = t.user_id AND n.email_canonical = t.email_canonical"
_FORMER_EMAIL = "SELECT FROM former_emails AS f WHERE f.user_id = t.user_id AND f.email_canonical = t.email_canonical"
_IS_GOOD = f"""
t.digest = $1::bytea AND t.purpose = $2::text AND t.expires_at > now() AND u.status = 'active'
    AND CASE t.purpose
        WHEN '{TokenPurpose.NEW_EMAIL}' THEN EXISTS ({_NEW_EMAIL})
        WHEN '{TokenPurpose.ACCOUNT_FREEZE}' THEN u.email_canonical = t.email_canonical OR EXISTS ({_FORMER_EMAIL})
        ELSE u.email_canonical = t.email_canonical
    END
"""

_REDEEMABLE = f"""
SELECT {USER_COLUMNS}, {CREDENTIAL_COLUMNS}, t.email_canonical AS token_email_canonical,
    coalesce(n.email, f.email, u.email) AS token_email, n.id AS change_id
FROM one_time_tokens AS t
JOIN users AS u ON u.id = t.user_id
JOIN credentials AS c ON c.user_id = u.id AND c.kind = 'password'
LEFT JOIN email_changes AS n ON t.purpose = '{TokenPurpose.NEW_EMAIL}' AND n.user_id = t.user_id
LEFT JOIN LATERAL (
    SELECT f.email FROM former_emails AS f
    WHERE t.purpose = '{TokenPurpose.ACCOUNT_FREEZE}' AND f.user_id = t.user_id
        AND f.email_canonical = t.email_canonical
    LIMIT 1
) AS f ON true
WHERE {_IS_GOOD}
"""

# The lock holds off a deletion of the account, or waits for one and then finds nobody.
_ISSUE = """
INSERT INTO one_time_tokens (digest, purpose, user_id, email_canonical, expires_at)
SELECT $1::bytea, $2::text, u.id, coalesce($5::text, u.email_canonical), now() + $4::interval
FROM users AS u WHERE u.id = $3::uuid
FOR KEY SHARE OF u
RETURNING digest
"""

_RENEW = """
UPDATE one_time_tokens SET expires_at = now() + $3::interval
WHERE digest = $1::bytea AND purpose = $2::text AND expires_at > now()
RETURNING digest
"""

# domain.recovery.email_change.undone_by, turned round.
_IS_OF_EARLIER_EMAIL = f"""
t.purpose = '{TokenPurpose.ACCOUNT_FREEZE}' AND EXISTS (
    SELECT FROM former_emails AS e
    WHERE e.user_id = t.user_id AND e.email_canonical = spent.email_canonical AND e.replaced_at < coalesce(
        (SELECT min(f.replaced_at) FROM former_emails AS f
            WHERE f.user_id = t.user_id AND f.email_canonical = t.email_canonical),
        'infinity'
    )
)
"""

_SPEND = f"""
DELETE FROM one_time_tokens AS spent
USING one_time_tokens AS t JOIN users AS u ON u.id = t.user_id
WHERE {_IS_GOOD} AND spent.user_id = t.user_id AND spent.purpose = t.purpose AND NOT ({_IS_OF_EARLIER_EMAIL})
RETURNING spent.digest
"""

_REVOKE = """
DELETE FROM one_time_tokens WHERE user_id = $1::uuid AND purpose = ANY($2::text[])
RETURNING digest
"""

_PURGE = f"""
DELETE FROM one_time_tokens WHERE digest IN (
    SELECT digest FROM one_time_tokens WHERE expires_at < now() LIMIT {BATCH} FOR UPDATE SKIP LOCKED
)
RETURNING digest
"""


@dataclass(frozen=True, slots=True)
class PostgresOneTimeTokenRepository:
    """The tokens that are out."""

    database: Database

    async def redeemable(self, token: OneTimeToken) -> Redeemable | None:
        """See the port."""
        row = await self.database.fetch_row(_REDEEMABLE, token.digest, token.purpose.value)
        if row is None:
            return None
        email = EmailAddress(row["token_email"], row["token_email_canonical"])
        change_id = row["change_id"]
        return Redeemable(
            user=user_of(row),
            credential=credential_of(row),
            email=email,
            email_change=EmailChange(id=change_id, email=email) if change_id else None,
        )


@dataclass(frozen=True, slots=True)
class PostgresOneTimeTokenWriter:
    """Stages writes of one-time tokens."""

    stage: Callable[[Write], None]

    def issue(self, token: OneTimeToken, user_id: UUID, lifetime: timedelta, *, to: EmailAddress | None = None) -> None:
        """Make it good for that user, at that address."""
        arguments = (token.digest, token.purpose.value, user_id, lifetime, to.canonical if to else None)
        self.stage(Write(statement=_ISSUE, arguments=arguments, unless_written=UserNotFound))

    def renew(self, token: OneTimeToken, lifetime: timedelta) -> None:
        """Give it its time anew."""
        arguments = (token.digest, token.purpose.value, lifetime)
        self.stage(Write(statement=_RENEW, arguments=arguments, unless_written=token_refused))

    def spend(self, token: OneTimeToken) -> None:
        """Use it up, with the others of its user and purpose."""
        arguments = (token.digest, token.purpose.value)
        self.stage(Write(statement=_SPEND, arguments=arguments, unless_written=token_refused))

    def revoke_all_of(self, user_id: UUID, purposes: Collection[TokenPurpose]) -> None:
        """Delete the user's tokens of those purposes."""
        self.stage(Write(statement=_REVOKE, arguments=(user_id, [purpose.value for purpose in purposes])))


async def purge(database: Database) -> None:
    """Delete tokens that have expired, 1,000 a statement, past those that are in use."""
    await purge_by(database, _PURGE)
