"""The chain in PostgreSQL, as it is extended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from application.audit.ports import Batch, Build, Extension, UnsealedEvent
from application.audit.seal_events import trusted_head
from application.origin import Origin
from domain.audit.entry import timestamp
from domain.audit.head import SignedHead
from infrastructure.ids import new_id
from infrastructure.postgres.audit_keys import AuditKeys
from infrastructure.postgres.connection_pool import Connection
from infrastructure.postgres.database import Database
from infrastructure.postgres.outbox import EVENT_COLUMNS, recorded_event_of

LOCK = 0x63726D2D61756469
"""An advisory lock of the log ("crm-audi"), held to the end of the transaction: of all workers one extends it."""

_TRY_LOCK = f"SELECT pg_try_advisory_xact_lock({LOCK})"

_STATE = """
SELECT now() AS now, h.body, h.signature,
    coalesce((SELECT max(sequence) FROM audit_entries), h.begins_after, 0) AS last_sequence
FROM (SELECT) AS always LEFT JOIN (
    SELECT *, (body::jsonb ->> 'begins_after')::bigint AS begins_after FROM audit_heads ORDER BY number DESC LIMIT 1
) AS h ON true
"""

_WAITING = f"""
SELECT e.position, {EVENT_COLUMNS} FROM audit_queue AS q JOIN events AS e ON e.position = q.position
ORDER BY q.position LIMIT $1
"""
_SEALED = "DELETE FROM audit_queue WHERE position = ANY ($1::bigint[])"

_UNTOLD = "SELECT user_id FROM audit_erasures WHERE head IS NULL ORDER BY user_id LIMIT $1"
_TOLD = "UPDATE audit_erasures SET head = $2 WHERE user_id = ANY ($1::uuid[])"

_ADD_ENTRIES = """
INSERT INTO audit_entries (sequence, entry, personal, hash)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[])
"""
_ADD_HEAD = "INSERT INTO audit_heads (number, body, signature) VALUES ($1, $2, $3)"

_UNWRITTEN = "SELECT body, signature FROM audit_heads WHERE written_at IS NULL ORDER BY number LIMIT $1"
_WRITTEN = "UPDATE audit_heads SET written_at = now() WHERE number = ANY ($1::bigint[]) RETURNING number"

# By an index of both: where little happens, a head a minute has the same sequence.
_EXPIRED = """
SELECT h.body FROM audit_heads AS h
WHERE h.sequence BETWEEN $2::bigint + 1 AND $2::bigint + $3::bigint
    AND h.body::jsonb ->> 'at' < $1::text
ORDER BY h.sequence DESC, h.number DESC LIMIT 1
"""
_DROP = "SELECT audit_drop_before($1, $2)"

_RECORD_ROTATION = """
INSERT INTO events (id, type, request_id, data) VALUES ($1, 'audit_key.rotated', $2, $3::jsonb)
"""


@dataclass(frozen=True, slots=True)
class PostgresAuditLedger:
    """One transaction for each batch."""

    database: Database
    keys: AuditKeys

    async def extend(self, build: Build, *, at_most: int) -> Extension | None:
        """See the port."""

        async def extend(connection: Connection) -> Extension | None:
            if not await connection.fetchval(_TRY_LOCK):
                return None
            rows = await connection.fetch(_WAITING, at_most)
            events = await self.keys.with_keys(connection, [recorded_event_of(row) for row in rows])
            erased = [row["user_id"] for row in await connection.fetch(_UNTOLD, at_most)]
            extension = build(await self._batch(connection, events=events, erased=erased))
            if extension is not None:
                await _write(connection, extension)
                await connection.execute(_SEALED, [row["position"] for row in rows])
            return extension

        return await self.database.in_transaction(extend)

    async def drop(self, build: Build, *, before: datetime, at_most: int) -> int:
        """See the port."""

        async def drop(connection: Connection) -> int:
            if not await connection.fetchval(_TRY_LOCK):
                return 0
            batch = await self._batch(connection)
            head = trusted_head(batch)
            begins_after = head.begins_after if head else 0
            row = await connection.fetchrow(_EXPIRED, timestamp(before), begins_after, at_most)
            if row is None:
                return 0
            last = SignedHead(body=row["body"], signature=b"").head
            extension = build(replace(batch, expired=(last.sequence, last.hash)))
            if extension is None:
                return 0
            await _write(connection, extension)
            dropped: int = await connection.fetchval(_DROP, last.sequence, before)
            return dropped

        return await self.database.in_transaction(drop)

    async def rotate(self, build: Build, origin: Origin) -> str | None:
        """See the port."""

        async def rotate(connection: Connection) -> str | None:
            if not await connection.fetchval(_TRY_LOCK):
                return None
            batch = await self._batch(connection)
            key = await self.keys.rotate(connection)
            extension = build(replace(batch, successor=key.public_key.hex()))
            if extension is not None:
                await _write(connection, extension)
            said = {"key": key.key_id, "successor_of": batch.signer.key_id, **origin.attribution}
            await connection.execute(_RECORD_ROTATION, new_id(), origin.request_id, json.dumps(said, sort_keys=True))
            return key.key_id

        return await self.database.in_transaction(rotate)

    async def unwritten_heads(self, *, at_most: int) -> Sequence[SignedHead]:
        """See the port."""
        return [signed_head_of(row) for row in await self.database.fetch(_UNWRITTEN, at_most)]

    async def heads_written(self, heads: Sequence[SignedHead]) -> None:
        """See the port."""
        await self.database.fetch(_WRITTEN, [each.head.number for each in heads])

    async def _batch(
        self, connection: Connection, events: Sequence[UnsealedEvent] = (), erased: Sequence[UUID] = ()
    ) -> Batch:
        signer = await self.keys.signer(connection)
        row = await connection.fetchrow(_STATE)
        assert row is not None  # noqa: S101 - a left join of one row has a row
        return Batch(
            now=row["now"],
            events=events,
            erased=erased,
            last=signed_head_of(row) if row["body"] is not None else None,
            last_sequence=row["last_sequence"],
            signer=signer,
        )


async def _write(connection: Connection, extension: Extension) -> None:
    links, head = extension.links, extension.head.head
    if links:
        columns = [(each.sequence, each.entry, each.personal, each.hash) for each in links]
        await connection.execute(_ADD_ENTRIES, *map(list, zip(*columns, strict=True)))
    await connection.execute(_ADD_HEAD, head.number, extension.head.body, extension.head.signature)
    if head.erased:
        await connection.execute(_TOLD, list(head.erased), head.number)


def signed_head_of(row: Record) -> SignedHead:
    """The head in a row that has its body and its signature."""
    return SignedHead(body=row["body"], signature=row["signature"])
