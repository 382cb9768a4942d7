"""Accounts in PostgreSQL."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from uuid import UUID

from asyncpg import Record

from application.accounts.ports import KeyClaim, KeyedRequest, OpenRegistration
from application.origin import Origin
from domain.accounts.errors import EmailTaken, IdentifierTaken, StatusUnchanged, UsernameTaken, UserNotFound
from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile
from domain.accounts.profile_change import ProfileChange
from domain.accounts.user import User, UserStatus
from domain.credentials.password import CredentialKind, PasswordCredential
from domain.errors import DomainError
from domain.sessions.errors import InvalidAccessToken
from infrastructure.postgres.counters import hit, is_refused
from infrastructure.postgres.database import Database
from infrastructure.postgres.doors import Door
from infrastructure.postgres.idempotency_keys import (
    CREATED,
    arguments_of,
    claim_of,
    claimed,
    completion,
    held,
    withdrawal,
)
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.usernames import RECENT_CHANGES, is_reserved, release, reservation, username_change
from infrastructure.postgres.writes import Write

USER_COLUMNS = """
u.id AS user_id, u.email, u.email_canonical, u.email_verified, u.username, u.username_canonical,
u.given_name, u.family_name, u.display_name, u.phone_number, u.locale, u.zoneinfo,
u.status, u.created_at AS user_created_at, u.updated_at AS user_updated_at, u.photo_id
"""

_TAKEN = f"""
EXISTS (SELECT FROM users WHERE email_canonical = $1) AS email_taken,
EXISTS (SELECT FROM users WHERE username_canonical = $2) OR {is_reserved("$3")} AS username_taken
"""

# A repeat of what is held is not counted, for a lost answer is nobody's fault. It is judged all the same, or who has a
# weak key could try passwords with it past every limit: only the right one would be a repeat (L03).
_REPEATED = "EXISTS (SELECT FROM held WHERE is_same)"
_REFUSED = "EXISTS (SELECT FROM source_hit WHERE NOT admitted) OR EXISTS (SELECT FROM account_hit WHERE NOT admitted)"


def _open_unless(taken: str, door: Door) -> str:
    """Where the condition is true of the row ``taken``, a key claims nothing."""
    is_taken = f"(SELECT {taken} FROM taken)"

    def counted(name: str, subject: str, *refused_by: str, strained: str = "(SELECT so FROM strained)") -> str:
        return hit(
            door.rules[name],
            subject=subject,
            unless_refused_by=refused_by,
            strained=strained,
            uncounted=_REPEATED,
        )

    return f"""
    WITH held AS ({held(key=7, request=8)}),
    strained AS ({is_refused(door.rules["all"], subject="$6::bytea")}),
    source_hit AS ({counted("source", "$4::bytea")}),
    account_hit AS ({counted("account", "$5::bytea", "source_hit")}),
    all_hit AS ({counted("all", "$6::bytea", "source_hit", "account_hit", strained="false")}),
    taken AS (SELECT {_TAKEN}),
    claimed AS ({claimed(key=7, request=8, attempt=9, refused=_REFUSED, taken=is_taken)})
    SELECT now() AS now, taken.*, {door.columns},
        key.digest AS key_digest, key.is_ours AS key_is_ours, key.is_same AS key_is_same, key.user_id AS key_user_id,
        key.wait AS key_wait
    FROM taken {door.joins} LEFT JOIN claimed AS key ON true
    """


_BY_ID = f"SELECT {USER_COLUMNS} FROM users AS u WHERE u.id = $1"

_ADD_USER = """
INSERT INTO users (
    id, email, email_canonical, email_verified, username, username_canonical, given_name, family_name, display_name,
    phone_number, locale, zoneinfo, status, created_at, updated_at, photo_id
) VALUES (
    $1::uuid, $2::text, $3::text, $4::boolean, $5::text, $6::text, $7::text, $8::text, $9::text,
    $10::text, $11::text, $12::text, $13::text, $14::timestamptz, $14::timestamptz, $15::text
)
RETURNING id
"""

_ADD_CREDENTIAL = """
INSERT INTO credentials (id, user_id, kind, secret, version, created_at, updated_at)
VALUES ($1::uuid, $2::uuid, $3::text, $4::text, $5::integer, $6::timestamptz, $6::timestamptz)
RETURNING id
"""

# Whoever acts on what the account may do has seen an older epoch than this.
_SET_STATUS = """
UPDATE users SET status = $2::text, authz_epoch = authz_epoch + 1, updated_at = now()
WHERE id = $1::uuid AND status <> $2::text
RETURNING id
"""

_VERIFY_EMAIL = """
UPDATE users SET email_verified = true, updated_at = greatest(now(), updated_at) WHERE id = $1::uuid RETURNING id
"""

_HAND_OVER = """
UPDATE users SET email_verified = true, given_name = NULL, family_name = NULL, display_name = NULL,
    phone_number = NULL, locale = NULL, zoneinfo = NULL, photo_id = NULL, updated_at = greatest(now(), updated_at)
WHERE id = $1::uuid
RETURNING id
"""

_PROFILE = tuple(field.name for field in fields(Profile))
_MERGED = ", ".join(
    f"{name} = CASE WHEN $2::jsonb ? '{name}' THEN $2::jsonb ->> '{name}' ELSE u.{name} END" for name in _PROFILE
)

# Each value stays what it is by then unless it is given, so that changes of different fields at once lose nothing.
_CHANGE_PROFILE = f"""
UPDATE users AS u SET {_MERGED},
    username = coalesce($3::text, u.username),
    username_canonical = coalesce($4::text, u.username_canonical),
    username_changed_at = CASE WHEN $4::text <> u.username_canonical THEN ARRAY({RECENT_CHANGES}) || now()
        ELSE u.username_changed_at END,
    updated_at = greatest(now(), u.updated_at)
WHERE u.id = $1::uuid
RETURNING u.id
"""


# A trigger makes it that nobody can read what is personal of them in the audit log (decision record 0029).
_REMOVE = "DELETE FROM users WHERE id = $1::uuid RETURNING id"

# Whom and which session an event concerned stays, as numbers that lead to nobody any more.
_ANONYMISE_EVENTS = """
UPDATE events SET ip_address = NULL, user_agent = NULL, data = data - 'identifier_digest'
WHERE user_id = $1::uuid
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
        photo_id=row["photo_id"],
    )


def account_rows(
    user: User,
    credential: PasswordCredential,
    *,
    email_taken: Callable[[], DomainError] = EmailTaken,
    username_taken: Callable[[], DomainError] = UsernameTaken,
) -> tuple[Write, Write]:
    """The rows of a new account and of its password, and the refusals where an identifier is another's."""
    profile = user.profile
    add_user = Write(
        statement=_ADD_USER,
        arguments=(
            user.id, user.email.original, user.email.canonical, user.email_verified,
            user.username.original, user.username.canonical,
            profile.given_name, profile.family_name, profile.display_name,
            profile.phone_number, profile.locale, profile.zoneinfo, user.status.value, user.created_at, user.photo_id,
        ),
        conflicts=(("users_email_canonical_key", email_taken), ("users_username_canonical_key", username_taken)),
    )  # fmt: skip
    secret = (CredentialKind.PASSWORD.value, credential.password_hash, credential.version, credential.created_at)
    return add_user, Write(statement=_ADD_CREDENTIAL, arguments=(credential.id, user.id, *secret))


class PostgresRegistrations:
    """The door of sign-up: limits and a look at the identifiers, in one statement."""

    def __init__(
        self,
        database: Database,
        limits: RateLimits,
        username_digest: Callable[[str], bytes],
        key_digest: Callable[[str], bytes],
    ) -> None:
        self._database = database
        self._limits = limits
        self._username_digest = username_digest
        self._key_digest = key_digest
        rules = {
            "source": limits.sign_up_source,
            "account": limits.sign_up_account,
            "all": limits.share_of(limits.sign_up_all),
        }
        self._door = Door(
            policy="sign-up",
            rules=rules,
            told=("source",),
            published="source",
            advisory="all",
            refusals=limits.refusals,
        )
        self._unless_taken = _open_unless("email_taken OR username_taken", self._door)
        self._whoever_has_the_email = _open_unless("username_taken", self._door)

    async def open(
        self,
        email: EmailAddress,
        username: Username,
        origin: Origin,
        keyed: KeyedRequest | None = None,
        *,
        whoever_has_the_email: bool = False,
    ) -> OpenRegistration:
        """See the port."""
        source, account = self._limits.source_subject(origin), self._limits.text_subject(email.canonical)
        seen = {"source": source, "account": account}
        self._door.refuse_again(seen, origin)
        row = await self._database.fetch_row(
            self._whoever_has_the_email if whoever_has_the_email else self._unless_taken,
            *self._identifiers(email, username),
            source,
            account,
            self._limits.budget_subject(),
            *arguments_of(keyed, self._key_digest),
        )
        assert row is not None  # noqa: S101 - a SELECT of one row and left joins has a row
        self._door.judge(row, seen, origin)
        claim = claim_of(row, keyed)
        taken = _taken(row, email=row["email_taken"] and not whoever_has_the_email)
        return OpenRegistration(now=row["now"], taken=taken, claim=claim, done_as=row["key_user_id"])

    async def by_id(self, user_id: UUID) -> User | None:
        """See the port."""
        row = await self._database.fetch_row(_BY_ID, user_id)
        return user_of(row) if row else None

    async def taken(self, email: EmailAddress, username: Username) -> IdentifierTaken | None:
        """See the port."""
        row = await self._database.fetch_row(f"SELECT {_TAKEN}", *self._identifiers(email, username))
        return _taken(row, email=row["email_taken"]) if row else None

    def _identifiers(self, email: EmailAddress, username: Username) -> tuple[object, ...]:
        return email.canonical, username.canonical, self._username_digest(username.canonical)


@dataclass(frozen=True, slots=True)
class PostgresAccountWriter:
    """Stages writes of accounts."""

    stage: Callable[[Write], None]
    username_digest: Callable[[str], bytes]

    def add(self, user: User, credential: PasswordCredential, claim: KeyClaim | None = None) -> None:
        """A new account with its password. The unique indexes have the last word on identifiers (S12)."""
        if claim:
            # First: who lost the claim to a repeat of themselves is not told that their own address is taken.
            self.stage(completion(claim, user.id, CREATED))
        self.stage(reservation(self.username_digest(user.username.canonical), user.id))
        for write in account_rows(user, credential):
            self.stage(write)

    def change_profile(self, user_id: UUID, change: ProfileChange) -> None:
        """New values for the named fields."""
        username = change.username
        if username is not None:
            for write in username_change(self.username_digest, user_id, username):
                self.stage(write)
        names = (username.original, username.canonical) if username else (None, None)
        self.stage(
            Write(
                statement=_CHANGE_PROFILE,
                arguments=(user_id, json.dumps(dict(change.profile)), *names),
                unless_written=InvalidAccessToken,
                conflicts=(("users_username_canonical_key", UsernameTaken),),
            )
        )

    def withdraw(self, claim: KeyClaim) -> None:
        """See the port."""
        self.stage(withdrawal(claim))

    def release_username(self, user: User) -> None:
        """Keep the name of a user who is about to be deleted from everybody."""
        self.stage(release(self.username_digest(user.username.canonical)))

    def prove_email(self, user_id: UUID, *, keep_profile: bool = True) -> None:
        """The user's address is proven to be theirs; the profile may be that of somebody else."""
        self.stage(Write(statement=_VERIFY_EMAIL if keep_profile else _HAND_OVER, arguments=(user_id,)))

    def set_status(self, user_id: UUID, status: UserStatus) -> None:
        """Disable or enable."""
        self.stage(Write(statement=_SET_STATUS, arguments=(user_id, status.value), unless_written=StatusUnchanged))

    def remove(self, user_id: UUID) -> None:
        """Delete the row, which takes along all that refers to it, and what is personal in its events.

        The key of what is personal in the audit log goes with it.
        """
        self.stage(Write(statement=_REMOVE, arguments=(user_id,), unless_written=UserNotFound))
        self.stage(Write(statement=_ANONYMISE_EVENTS, arguments=(user_id,)))


def _taken(row: Record, *, email: bool) -> IdentifierTaken | None:
    username = row["username_taken"]
    return IdentifierTaken.of(email=email, username=username) if email or username else None
