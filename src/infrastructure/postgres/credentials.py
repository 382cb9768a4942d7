"""Credentials in PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.credentials.password import PasswordCredential
from infrastructure.postgres.writes import Write

# Compare-and-set on the hash as well as the version: of two sign-ins that rehash at once one writes (L11).
_REHASH = """
UPDATE credentials SET secret = $4::text, updated_at = now()
WHERE id = $1::uuid AND version = $2::integer AND secret = $3::text
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class PostgresCredentialWriter:
    """Stages writes of credentials."""

    stage: Callable[[Write], None]

    def rehash(self, credential: PasswordCredential, password_hash: str) -> None:
        """Replace the hash, unless the password was changed meanwhile."""
        arguments = (credential.id, credential.version, credential.password_hash, password_hash)
        self.stage(Write(statement=_REHASH, arguments=arguments))
