"""The door of sign-in in PostgreSQL."""

from dataclasses import dataclass

from asyncpg import Record

from application.origin import Origin
from application.sessions.ports import LogInAttempt
from domain.accounts.identifiers import EmailAddress, Identifier
from domain.credentials.password import PasswordCredential
from infrastructure.postgres.accounts import USER_COLUMNS, user_of
from infrastructure.postgres.database import Database
from infrastructure.postgres.limits import RateLimits, hit, refuse_unless_admitted


def _open_by(column: str) -> str:
    """Find the account, count the attempt on its source, and then on the account however it was named (L08)."""
    account = "coalesce((SELECT uuid_send(user_id) FROM account), $7::bytea)"
    return f"""
    WITH account AS (
        SELECT {USER_COLUMNS}, c.id AS credential_id, c.secret, c.version, c.created_at AS credential_created_at
        FROM users AS u LEFT JOIN credentials AS c ON c.user_id = u.id AND c.kind = 'password'
        WHERE u.{column} = $1::text
    ),
    source_hit AS ({hit(rule=2, subject=3, interval=4, period=5)}),
    account_hit AS ({hit(rule=6, subject=7, interval=8, period=9, whose=account, unless_refused_by="source_hit")})
    SELECT now() AS now, account.*,
        source.subject AS source_subject, source.admitted AS source_admitted, source.wait AS source_wait,
        counted.subject AS account_subject, counted.admitted AS account_admitted, counted.wait AS account_wait
    FROM (SELECT) AS one
    LEFT JOIN account ON true LEFT JOIN source_hit AS source ON true LEFT JOIN account_hit AS counted ON true
    """


_BY_EMAIL = _open_by("email_canonical")
_BY_USERNAME = _open_by("username_canonical")


@dataclass(frozen=True, slots=True)
class PostgresLogInAttempts:
    """Limits and the account, in one statement."""

    database: Database
    limits: RateLimits

    async def open(self, identifier: Identifier | None, typed: str, origin: Origin) -> LogInAttempt:
        """See the port."""
        # Text that is no identifier names no account, for none has an empty canonical form.
        canonical = identifier.canonical if identifier else ""
        account = self.limits.sign_in_account.arguments(self.limits.text_subject(canonical or typed))
        source = self.limits.sign_in_source.arguments(self.limits.source_subject(origin))
        statement = _BY_EMAIL if isinstance(identifier, EmailAddress) else _BY_USERNAME
        row = await self.database.fetch_row(statement, canonical, *source, *account)
        assert row is not None  # noqa: S101 - a SELECT from one row and left joins has a row
        refuse_unless_admitted(row)
        digest = self.limits.digest((canonical or typed).encode(errors="replace")).hex()
        return _attempt(row, digest, self.limits)


def _attempt(row: Record, digest: str, limits: RateLimits) -> LogInAttempt:
    counted = (
        (limits.sign_in_source.name, row["source_subject"]),
        (limits.sign_in_account.name, row["account_subject"]),
    )
    return LogInAttempt(
        now=row["now"],
        identifier_digest=digest,
        user=user_of(row) if row["user_id"] else None,
        credential=_credential(row) if row["credential_id"] else None,
        allowances=tuple((rule, subject) for rule, subject in counted if subject is not None),
    )


def _credential(row: Record) -> PasswordCredential:
    return PasswordCredential(
        id=row["credential_id"],
        user_id=row["user_id"],
        password_hash=row["secret"],
        version=row["version"],
        created_at=row["credential_created_at"],
    )
