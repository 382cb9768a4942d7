"""The outbox in PostgreSQL: a row for each subscriber that is to be told of an event, deleted once it has been."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from asyncpg import Record

from application.outbox.ports import Delivery
from application.ports import IdGenerator
from domain.events import RecordedEvent
from infrastructure.postgres.database import Database

EVENT_COLUMNS = """
e.id AS event_id, e.type, e.occurred_at, e.user_id, e.session_id, host(e.ip_address) AS ip_address, e.user_agent,
e.request_id, e.data
"""

_IS_NEXT = """
d.parked_at IS NULL AND d.subscriber = ANY ($1::text[]) AND NOT EXISTS (
    SELECT FROM deliveries AS earlier
    WHERE earlier.subscriber = d.subscriber AND earlier.user_id = d.user_id AND earlier.id < d.id
        AND earlier.parked_at IS NULL
)
"""

_CLAIM = f"""
WITH due AS (
    SELECT d.id FROM deliveries AS d
    WHERE {_IS_NEXT} AND d.due_at <= now() AND coalesce(d.claimed_until <= now(), true)
    ORDER BY d.due_at, d.id LIMIT $2 FOR UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE deliveries AS d SET claim = $3::uuid, claimed_until = now() + $4::interval, attempts = d.attempts + 1
    FROM due WHERE d.id = due.id
    RETURNING d.id, d.subscriber, d.event_position, d.attempts, d.created_at, d.claim
)
SELECT c.id, c.subscriber, c.attempts, c.created_at, c.claim, {EVENT_COLUMNS}
FROM claimed AS c JOIN events AS e ON e.position = c.event_position ORDER BY c.id
"""

_DELIVERED = "DELETE FROM deliveries WHERE id = $1 AND claim = $2"

_POSTPONE = """
UPDATE deliveries SET claim = NULL, claimed_until = NULL, due_at = now() + $3::interval, last_error = $4
WHERE id = $1 AND claim = $2
"""

_PARK = """
UPDATE deliveries SET claim = NULL, claimed_until = NULL, parked_at = now(), last_error = $3
WHERE id = $1 AND claim = $2
"""

_NEXT_DUE = f"""
SELECT min(greatest(d.due_at, coalesce(d.claimed_until, d.due_at))) - now() AS wait FROM deliveries AS d
WHERE {_IS_NEXT}
"""


@dataclass(frozen=True, slots=True)
class PostgresOutbox:
    """Any number of workers share it."""

    database: Database
    new_id: IdGenerator

    async def claim(self, subscribers: Sequence[str], *, at_most: int, lease: timedelta) -> Sequence[Delivery]:
        """See the port."""
        return [
            _delivery(row)
            for row in await self.database.fetch(_CLAIM, list(subscribers), at_most, self.new_id(), lease)
        ]

    async def delivered(self, delivery: Delivery) -> None:
        """See the port."""
        await self.database.fetch(_DELIVERED, delivery.id, delivery.claim)

    async def postpone(self, delivery: Delivery, *, by: timedelta, error: str | None) -> None:
        """See the port."""
        await self.database.fetch(_POSTPONE, delivery.id, delivery.claim, by, error)

    async def park(self, delivery: Delivery, *, error: str) -> None:
        """See the port."""
        await self.database.fetch(_PARK, delivery.id, delivery.claim, error)

    async def next_due(self, subscribers: Sequence[str]) -> timedelta | None:
        """See the port."""
        row = await self.database.fetch_row(_NEXT_DUE, list(subscribers))
        return row["wait"] if row else None


def _delivery(row: Record) -> Delivery:
    return Delivery(
        id=row["id"],
        subscriber=row["subscriber"],
        event=recorded_event_of(row),
        attempt=row["attempts"],
        created_at=row["created_at"],
        claim=row["claim"],
    )


def recorded_event_of(row: Record) -> RecordedEvent:
    """The event in a row that has its columns."""
    return RecordedEvent(
        id=row["event_id"],
        type=row["type"],
        occurred_at=row["occurred_at"],
        user_id=row["user_id"],
        session_id=row["session_id"],
        ip_address=row["ip_address"],
        user_agent=row["user_agent"],
        request_id=row["request_id"],
        data=json.loads(row["data"]),
    )
