"""The outbox in PostgreSQL, as operators see it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from asyncpg import Record

from application.origin import Origin
from application.outbox.ports import DeliveryStatus
from domain.outbox.events import DELIVERY_DROPPED, DELIVERY_RETRIED
from infrastructure.postgres.database import Database
from infrastructure.postgres.events import CHANNEL, NEW_ID
from infrastructure.postgres.events import COLUMNS as EVENT_COLUMNS

_PAGE = """
SELECT d.id, d.subscriber, e.type, d.user_id, d.created_at, d.due_at, d.attempts, d.parked_at, d.last_error
FROM deliveries AS d JOIN events AS e ON e.position = d.event_position
WHERE (d.parked_at IS NOT NULL) = $1::boolean AND d.id > $2 ORDER BY d.id LIMIT $3
"""

_THESE = "id = ANY ($1::bigint[]) AND coalesce(claimed_until <= now(), true)"

# One event a delivery (G01). Their ids are made here: how many deliveries there are is not known before.
_RECORDED = f"""
WITH changed AS ({{change}} RETURNING id, subscriber, event_position, user_id), recorded AS (
    INSERT INTO events ({EVENT_COLUMNS})
    SELECT {NEW_ID}, '{{event}}', c.user_id, NULL, $2::text, $3::text::inet, $4::text,
        jsonb_build_object('delivery', c.id::text, 'subscriber', c.subscriber, 'event', e.id::text) || $5::jsonb
    FROM changed AS c JOIN events AS e ON e.position = c.event_position
)
SELECT id, pg_notify('{CHANNEL}', '')::text FROM changed ORDER BY id
"""

_RETRY = _RECORDED.format(
    event=DELIVERY_RETRIED,
    change=f"""
    UPDATE deliveries SET parked_at = NULL, attempts = 0, due_at = now(), created_at = now(), claim = NULL,
        claimed_until = NULL
    WHERE {_THESE}
    """,
)

_DROP = _RECORDED.format(event=DELIVERY_DROPPED, change=f"DELETE FROM deliveries WHERE {_THESE}")


@dataclass(frozen=True, slots=True)
class PostgresOutboxDesk:
    """See the port."""

    database: Database

    async def page(self, *, parked: bool, after: int, at_most: int) -> Sequence[DeliveryStatus]:
        """See the port."""
        return [_status(row) for row in await self.database.fetch(_PAGE, parked, after, at_most)]

    async def retry(self, delivery_ids: Sequence[int], origin: Origin) -> Sequence[int]:
        """See the port. Workers hear of it at once."""
        return await self._changed(_RETRY, delivery_ids, origin)

    async def drop(self, delivery_ids: Sequence[int], origin: Origin) -> Sequence[int]:
        """See the port. Workers hear of it: the user's next one may have waited for this."""
        return await self._changed(_DROP, delivery_ids, origin)

    async def _changed(self, statement: str, delivery_ids: Sequence[int], origin: Origin) -> Sequence[int]:
        request = (origin.request_id, origin.ip_address, origin.user_agent, json.dumps(origin.attribution))
        return [row["id"] for row in await self.database.fetch(statement, list(delivery_ids), *request)]


def _status(row: Record) -> DeliveryStatus:
    return DeliveryStatus(
        id=row["id"],
        subscriber=row["subscriber"],
        event_type=row["type"],
        user_id=row["user_id"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        attempts=row["attempts"],
        parked_at=row["parked_at"],
        last_error=row["last_error"],
    )
