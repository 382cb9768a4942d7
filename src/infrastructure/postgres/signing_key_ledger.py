"""Changes of signing keys in PostgreSQL, each with its event."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.origin import Origin
from infrastructure.postgres.connection_pool import Connection
from infrastructure.postgres.database import Database
from infrastructure.postgres.signing_keys import ADD, LOAD, LOCK, keys_of, row_of
from infrastructure.tokens.key_rotation import KeyChange
from infrastructure.tokens.signing_keys import StoredSigningKey

_CHANGE = """
UPDATE signing_keys SET state = $2::text,
    activated_at = CASE WHEN $2::text = 'active' THEN now() ELSE activated_at END,
    retired_at = CASE WHEN $2::text = 'retired' THEN now() ELSE retired_at END
WHERE kid = $1
"""

_RECORD = "INSERT INTO events (id, type, request_id, data) VALUES ($1, $2, $3, $4::jsonb)"


@dataclass(frozen=True, slots=True)
class PostgresSigningKeyLedger:
    """One transaction for each change."""

    database: Database
    new_id: Callable[[], UUID]

    async def load(self) -> list[StoredSigningKey]:
        """See the protocol."""
        return keys_of(await self.database.fetch(LOAD))

    async def change(
        self, decide: Callable[[Sequence[StoredSigningKey], datetime], KeyChange], origin: Origin
    ) -> KeyChange:
        """See the protocol."""

        async def write(connection: Connection) -> KeyChange:
            await connection.execute(LOCK)
            keys = keys_of(await connection.fetch(LOAD))
            change = decide(keys, await connection.fetchval("SELECT now()"))
            # One by one: at no time are two active.
            for kid, state in change.states.items():
                await connection.execute(_CHANGE, kid, state.value)
            await connection.executemany(ADD, [row_of(key) for key in change.added])
            data = json.dumps({**change.event.data, **origin.attribution}, sort_keys=True)
            await connection.execute(_RECORD, self.new_id(), change.event.type, origin.request_id, data)
            return change

        return await self.database.in_transaction(write)
