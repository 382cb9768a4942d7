"""Sign-ups that wait for their address to be proven, in PostgreSQL.

The username of each has its row in ``reserved_usernames``, as everybody's has, with nobody as its owner: so whoever
else takes it, at sign-up or by a change, runs into that row, and nothing but this module has to know why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from asyncpg import Record

from application.accounts.ports import KeyClaim
from application.recovery.ports import OneTimeToken
from application.sign_ups.ports import SignUpToMail
from domain.accounts.errors import UserNotFound
from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.pending_sign_up import SIGN_UP_LIFETIME, PendingSignUp
from domain.accounts.profile import Profile
from domain.accounts.user import User
from domain.credentials.password import PasswordCredential
from domain.recovery.one_time_token import token_refused
from infrastructure.postgres.accounts import USER_COLUMNS, account_rows, user_of
from infrastructure.postgres.database import Database
from infrastructure.postgres.idempotency_keys import ACCEPTED, completion
from infrastructure.postgres.purges import BATCH, purge_by
from infrastructure.postgres.usernames import reservation
from infrastructure.postgres.writes import Write

_COLUMNS = """
p.id AS sign_up_id, p.email AS wanted_email, p.email_canonical AS wanted_email_canonical,
p.username AS wanted_username, p.username_canonical AS wanted_username_canonical, p.password_hash,
p.given_name AS wanted_given_name, p.family_name AS wanted_family_name, p.display_name AS wanted_display_name,
p.phone_number AS wanted_phone_number, p.locale AS wanted_locale, p.zoneinfo AS wanted_zoneinfo,
p.photo_id AS wanted_photo_id
"""

_FIND = f"""
SELECT {_COLUMNS}, {USER_COLUMNS}
FROM pending_registrations AS p LEFT JOIN users AS u ON u.email_canonical = p.email_canonical
WHERE p.id = $1 AND p.expires_at > now()
"""

_IS_GOOD = "p.token_digests @> ARRAY[$1::bytea] AND p.expires_at > now()"

_WAITING = f"SELECT {_COLUMNS} FROM pending_registrations AS p WHERE {_IS_GOOD}"

_REDEEMABLE = f"""
{_WAITING} AND NOT EXISTS (SELECT FROM users WHERE email_canonical = p.email_canonical)
"""

_ADD = """
INSERT INTO pending_registrations (
    id, email, email_canonical, username, username_canonical, username_digest, password_hash, given_name, family_name,
    display_name, phone_number, locale, zoneinfo, photo_id, expires_at
) VALUES (
    $1::uuid, $2::text, $3::text, $4::text, $5::text, $6::bytea, $7::text, $8::text, $9::text,
    $10::text, $11::text, $12::text, $13::text, $14::text, now() + $15::interval
)
RETURNING id
"""

_ISSUE = """
UPDATE pending_registrations
SET token_digests = array_append(array_remove(token_digests, $1::bytea), $1::bytea), expires_at = now() + $3::interval
WHERE id = $2::uuid AND expires_at > now()
RETURNING id
"""

# The row's lock is what those wait for who confirm, drop or purge the same one: the second finds none.
_TAKE = f"""
DELETE FROM pending_registrations AS p WHERE {_IS_GOOD} RETURNING p.username_digest, p.photo_id
"""

_HAND_OVER_USERNAME = """
UPDATE reserved_usernames AS r SET user_id = $1::uuid FROM previous WHERE r.digest = previous.username_digest
RETURNING r.digest
"""

_FREE_USERNAME = """
DELETE FROM reserved_usernames AS r USING previous WHERE r.digest = previous.username_digest
RETURNING previous.photo_id
"""

_RELEASE_PHOTO = """
INSERT INTO unowned_photos (id) SELECT previous.photo_id FROM previous WHERE previous.photo_id IS NOT NULL
ON CONFLICT (id) DO UPDATE SET since = now()
RETURNING id
"""

_PURGE = f"""
WITH due AS (
    SELECT id FROM pending_registrations WHERE expires_at < now() LIMIT {BATCH} FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM pending_registrations AS p USING due WHERE p.id = due.id RETURNING p.username_digest, p.photo_id
),
freed AS (DELETE FROM reserved_usernames AS r USING gone WHERE r.digest = gone.username_digest),
released AS (
    INSERT INTO unowned_photos (id) SELECT photo_id FROM gone WHERE photo_id IS NOT NULL
    ON CONFLICT (id) DO UPDATE SET since = now()
)
SELECT FROM gone
"""


@dataclass(frozen=True, slots=True)
class PostgresSignUps:
    """The sign-ups that wait."""

    database: Database

    async def find(self, sign_up_id: UUID) -> SignUpToMail | None:
        """See the port."""
        row = await self.database.fetch_row(_FIND, sign_up_id)
        return SignUpToMail(sign_up=_sign_up_of(row), owner=user_of(row) if row["user_id"] else None) if row else None

    async def waiting(self, token: OneTimeToken) -> PendingSignUp | None:
        """See the port."""
        return await self._one(_WAITING, token)

    async def redeemable(self, token: OneTimeToken) -> PendingSignUp | None:
        """See the port."""
        return await self._one(_REDEEMABLE, token)

    async def _one(self, statement: str, token: OneTimeToken) -> PendingSignUp | None:
        row = await self.database.fetch_row(statement, token.digest)
        return _sign_up_of(row) if row else None


@dataclass(frozen=True, slots=True)
class PostgresSignUpWriter:
    """Stages writes of sign-ups that wait."""

    stage: Callable[[Write], None]
    username_digest: Callable[[str], bytes]

    def add(self, sign_up: PendingSignUp, claim: KeyClaim | None = None) -> None:
        """A row, and one that keeps its username from everybody."""
        if claim:
            # First, as with accounts.
            self.stage(completion(claim, sign_up.id, ACCEPTED))
        digest, profile = self.username_digest(sign_up.username.canonical), sign_up.profile
        self.stage(reservation(digest, None))
        self.stage(
            Write(
                statement=_ADD,
                arguments=(
                    sign_up.id, sign_up.email.original, sign_up.email.canonical,
                    sign_up.username.original, sign_up.username.canonical, digest, sign_up.password_hash,
                    profile.given_name, profile.family_name, profile.display_name,
                    profile.phone_number, profile.locale, profile.zoneinfo, sign_up.photo_id, SIGN_UP_LIFETIME,
                ),
            )
        )  # fmt: skip

    def issue(self, token: OneTimeToken, sign_up_id: UUID, lifetime: timedelta) -> None:
        """One more digest that finds it."""
        arguments = (token.digest, sign_up_id, lifetime)
        self.stage(Write(statement=_ISSUE, arguments=arguments, unless_written=UserNotFound))

    def complete(self, token: OneTimeToken, user: User, credential: PasswordCredential) -> None:
        """The row goes, and the account's come."""
        self._take(token)
        self.stage(Write(statement=_HAND_OVER_USERNAME, arguments=(user.id,), unless_written=token_refused))
        for write in account_rows(user, credential, email_taken=token_refused, username_taken=token_refused):
            self.stage(write)

    def drop(self, token: OneTimeToken) -> None:
        """The row goes, and what it held."""
        self._take(token)
        self.stage(Write(statement=_FREE_USERNAME, arguments=()))
        self.stage(Write(statement=_RELEASE_PHOTO, arguments=()))

    def _take(self, token: OneTimeToken) -> None:
        self.stage(Write(statement=_TAKE, arguments=(token.digest,), unless_written=token_refused))


async def purge(database: Database) -> None:
    """Delete those that have expired, with what they held, 1,000 a statement, past those that are in use."""
    await purge_by(database, _PURGE)


def _sign_up_of(row: Record) -> PendingSignUp:
    return PendingSignUp(
        id=row["sign_up_id"],
        email=EmailAddress(row["wanted_email"], row["wanted_email_canonical"]),
        username=Username(row["wanted_username"], row["wanted_username_canonical"]),
        profile=Profile(
            given_name=row["wanted_given_name"],
            family_name=row["wanted_family_name"],
            display_name=row["wanted_display_name"],
            phone_number=row["wanted_phone_number"],
            locale=row["wanted_locale"],
            zoneinfo=row["wanted_zoneinfo"],
        ),
        password_hash=row["password_hash"],
        photo_id=row["wanted_photo_id"],
    )
