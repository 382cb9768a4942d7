"""Signing keys in PostgreSQL."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asyncpg import Record

from infrastructure.ids import new_id
from infrastructure.postgres.connection_pool import Connection
from infrastructure.postgres.database import Database
from infrastructure.tokens.signing_keys import KeyState, StoredSigningKey

LOAD = """
SELECT kid, algorithm, state, public_jwk, sealed_private_key, created_at, activated_at, retired_at
FROM signing_keys ORDER BY created_at, kid
"""

ADD = """
INSERT INTO signing_keys (
    kid, algorithm, state, public_jwk, sealed_private_key, created_at, activated_at, retired_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_RECORD = "INSERT INTO events (id, type, data) VALUES ($1, 'signing_key.created', $2::jsonb)"

_REPLACE_SEALED = "UPDATE signing_keys SET sealed_private_key = $3 WHERE kid = $1 AND sealed_private_key = $2"

# Held to the end of the transaction: of all who find no keys one makes them, and the others then find those. No lock of
# the table, which takes the right to change any of its columns (C05).
LOCK = f"SELECT pg_advisory_xact_lock({0x63726D2D6B657973})"


@dataclass(frozen=True, slots=True)
class PostgresSigningKeyStore:
    """The one set of keys of all nodes."""

    database: Database

    async def load(self) -> list[StoredSigningKey]:
        """See the protocol."""
        return keys_of(await self.database.fetch(LOAD))

    async def replace_sealed(self, kid: str, *, old: bytes, new: bytes) -> None:
        """See the protocol."""
        await self.database.fetch(_REPLACE_SEALED, kid, old, new)

    async def create_first(self, make: Callable[[], list[StoredSigningKey]]) -> list[StoredSigningKey]:
        """See the protocol."""

        async def create(connection: Connection) -> list[StoredSigningKey]:
            await connection.execute(LOCK)
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM signing_keys)"):
                made = make()
                await connection.executemany(ADD, [row_of(key) for key in made])
                await connection.executemany(_RECORD, [(new_id(), json.dumps({"key": key.kid})) for key in made])
            return keys_of(await connection.fetch(LOAD))

        return await self.database.in_transaction(create)


def keys_of(rows: Sequence[Record]) -> list[StoredSigningKey]:
    """The keys in rows of :data:`LOAD`."""
    return [
        StoredSigningKey(
            kid=row["kid"],
            algorithm=row["algorithm"],
            state=KeyState(row["state"]),
            public_jwk=json.loads(row["public_jwk"]),
            sealed_private_key=row["sealed_private_key"],
            created_at=row["created_at"],
            activated_at=row["activated_at"],
            retired_at=row["retired_at"],
        )
        for row in rows
    ]


def row_of(key: StoredSigningKey) -> tuple[object, ...]:
    """The arguments of :data:`ADD`."""
    jwk = json.dumps(key.public_jwk)
    times = (key.created_at, key.activated_at, key.retired_at)
    return (key.kid, key.algorithm, key.state.value, jwk, key.sealed_private_key, *times)
