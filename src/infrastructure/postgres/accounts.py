"""Accounts in PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass

from asyncpg import Record

from application.accounts.ports import OpenRegistration
from application.origin import Origin
from domain.accounts.errors import EmailTaken, IdentifierTaken, UsernameTaken
from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile
from domain.accounts.user import User, UserStatus
from domain.credentials.password import CredentialKind, PasswordCredential
from infrastructure.postgres.database import Database
from infrastructure.postgres.limits import RateLimits, hit, refuse_unless_admitted
from infrastructure.postgres.writes import Write

USER_COLUMNS = """
u.id AS user_id, u.email, u.email_canonical, u.email_verified, u.username, u.username_canonical,
u.given_name, u.family_name, u.display_name, u.phone_number, u.locale, u.zoneinfo,
u.status, u.created_at AS user_created_at, u.updated_at AS user_updated_at
"""

_TAKEN = """
EXISTS (SELECT FROM users WHERE email_canonical = $1) AS email_taken,
EXISTS (SELECT FROM users WHERE username_canonical = $2) AS username_taken
"""

_OPEN = f"""
WITH source_hit AS ({hit(rule=3, subject=4, interval=5, period=6)}),
account_hit AS ({hit(rule=7, subject=8, interval=9, period=10, unless_refused_by="source_hit")})
SELECT now() AS now, {_TAKEN}, source.admitted AS source_admitted, source.wait AS source_wait,
    account.admitted AS account_admitted, account.wait AS account_wait
FROM (SELECT) AS one LEFT JOIN source_hit AS source ON true LEFT JOIN account_hit AS account ON true
"""

_ADD_USER = """
INSERT INTO users (
    id, email, email_canonical, email_verified, username, username_canonical, given_name, family_name, display_name,
    phone_number, locale, zoneinfo, status, created_at, updated_at
) VALUES (
    $1::uuid, $2::text, $3::text, $4::boolean, $5::text, $6::text, $7::text, $8::text, $9::text,
    $10::text, $11::text, $12::text, $13::text, $14::timestamptz, $14::timestamptz
)
RETURNING id
"""

_ADD_CREDENTIAL = """
INSERT INTO credentials (id, user_id, kind, secret, version, created_at, updated_at)
VALUES ($1::uuid, $2::uuid, $3::text, $4::text, $5::integer, $6::timestamptz, $6::timestamptz)
RETURNING id
"""


def user_of(row: Record) -> User:
    """The user in a row that has ``USER_COLUMNS``."""
    return User(
        id=row["user_id"],
        email=EmailAddress(row["email"], row["email_canonical"]),
        email_verified=row["email_verified"],
        username=Username(row["username"], row["username_canonical"]),
        profile=Profile(
            given_name=row["given_name"],
            family_name=row["family_name"],
            display_name=row["display_name"],
            phone_number=row["phone_number"],
            locale=row["locale"],
            zoneinfo=row["zoneinfo"],
        ),
        status=UserStatus(row["status"]),
        created_at=row["user_created_at"],
        updated_at=row["user_updated_at"],
    )


@dataclass(frozen=True, slots=True)
class PostgresRegistrations:
    """The door of sign-up: limits and a look at the identifiers, in one statement."""

    database: Database
    limits: RateLimits

    async def open(self, email: EmailAddress, username: Username, origin: Origin) -> OpenRegistration:
        """See the port."""
        source = self.limits.sign_up_source.arguments(self.limits.source_subject(origin))
        account = self.limits.sign_up_account.arguments(self.limits.text_subject(email.canonical))
        row = await self.database.fetch_row(_OPEN, email.canonical, username.canonical, *source, *account)
        assert row is not None  # noqa: S101 - a SELECT without FROM and WHERE has a row
        refuse_unless_admitted(row)
        return OpenRegistration(now=row["now"], taken=_taken(row))

    async def taken(self, email: EmailAddress, username: Username) -> IdentifierTaken | None:
        """See the port."""
        row = await self.database.fetch_row(f"SELECT {_TAKEN}", email.canonical, username.canonical)
        return _taken(row) if row else None


@dataclass(frozen=True, slots=True)
class PostgresAccountWriter:
    """Stages writes of accounts."""

    stage: Callable[[Write], None]

    def add(self, user: User, credential: PasswordCredential) -> None:
        """A new account with its password. The unique indexes have the last word on identifiers (S12)."""
        profile = user.profile
        names = (profile.given_name, profile.family_name, profile.display_name)
        self.stage(
            Write(
                statement=_ADD_USER,
                arguments=(
                    user.id, user.email.original, user.email.canonical, user.email_verified,
                    user.username.original, user.username.canonical, *names,
                    profile.phone_number, profile.locale, profile.zoneinfo, user.status.value, user.created_at,
                ),
                conflicts=(
                    ("users_email_canonical_key", EmailTaken),
                    ("users_username_canonical_key", UsernameTaken),
                ),
            )
        )  # fmt: skip
        secret = (CredentialKind.PASSWORD.value, credential.password_hash, credential.version, credential.created_at)
        self.stage(Write(statement=_ADD_CREDENTIAL, arguments=(credential.id, user.id, *secret)))


def _taken(row: Record) -> IdentifierTaken | None:
    email, username = row["email_taken"], row["username_taken"]
    return IdentifierTaken.of(email=email, username=username) if email or username else None
