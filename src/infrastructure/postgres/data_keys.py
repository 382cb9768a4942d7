"""Data keys in PostgreSQL."""

from dataclasses import dataclass

from infrastructure.postgres.database import Database

_ADD = "INSERT INTO data_keys (purpose, sealed) VALUES ($1, $2) ON CONFLICT (purpose) DO NOTHING"
_LOAD = "SELECT sealed FROM data_keys WHERE purpose = $1"
_REPLACE_SEALED = "UPDATE data_keys SET sealed = $3 WHERE purpose = $1 AND sealed = $2"


@dataclass(frozen=True, slots=True)
class PostgresDataKeyStore:
    """The one set of keys of all nodes."""

    database: Database

    async def keep(self, purpose: str, sealed: bytes) -> bytes:
        """See the protocol."""
        # A statement of its own looks afterwards: the one that adds does not see what another has just added.
        await self.database.fetch(_ADD, purpose, sealed)
        row = await self.database.fetch_row(_LOAD, purpose)
        assert row is not None  # noqa: S101 - nothing of ours removes a key
        kept: bytes = row["sealed"]
        return kept

    async def replace_sealed(self, purpose: str, *, old: bytes, new: bytes) -> None:
        """See the protocol."""
        await self.database.fetch(_REPLACE_SEALED, purpose, old, new)
