"""Credentials in PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from domain.credentials.errors import WrongPassword
from domain.credentials.password import PasswordCredential
from infrastructure.postgres.writes import Write

CREDENTIAL_COLUMNS = """
c.id AS credential_id, c.secret, c.version, c.created_at AS credential_created_at
"""

# Compare-and-set on the hash as well as the version: of two sign-ins that rehash at once one writes (L11).
_REHASH = """
UPDATE credentials SET secret = $4::text, updated_at = now()
WHERE id = $1::uuid AND version = $2::integer AND secret = $3::text
RETURNING id
"""

# On the version alone: the same password under a better hash is still the one that was proven.
_REPLACE = """
UPDATE credentials SET secret = $3::text, version = version + 1, updated_at = now()
WHERE id = $1::uuid AND version = $2::integer
RETURNING id
"""

# Behind the lock that end_all_of takes, so it is the password of whoever was faster that this replaces, too.
_LOCK_OUT = """
UPDATE credentials SET secret = $2::text, version = version + 1, updated_at = now()
WHERE user_id = $1::uuid AND kind = 'password'
RETURNING id
"""


def credential_of(row: Record) -> PasswordCredential:
    """The password in a row that has ``CREDENTIAL_COLUMNS`` and ``user_id``."""
    return PasswordCredential(
        id=row["credential_id"],
        user_id=row["user_id"],
        password_hash=row["secret"],
        version=row["version"],
        created_at=row["credential_created_at"],
    )


@dataclass(frozen=True, slots=True)
class PostgresCredentialWriter:
    """Stages writes of credentials."""

    stage: Callable[[Write], None]

    def replace(self, credential: PasswordCredential, password_hash: str) -> None:
        """Another password, unless that one was changed meanwhile."""
        arguments = (credential.id, credential.version, password_hash)
        self.stage(Write(statement=_REPLACE, arguments=arguments, unless_written=WrongPassword))

    def lock_out(self, user_id: UUID, password_hash: str) -> None:
        """Another password, whatever it is by then."""
        self.stage(Write(statement=_LOCK_OUT, arguments=(user_id, password_hash)))

    def rehash(self, credential: PasswordCredential, password_hash: str) -> None:
        """Replace the hash, unless the password was changed meanwhile."""
        arguments = (credential.id, credential.version, credential.password_hash, password_hash)
        self.stage(Write(statement=_REHASH, arguments=arguments))
