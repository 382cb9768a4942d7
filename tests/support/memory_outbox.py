"""The outbox in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat

from application.origin import Origin
from application.outbox.ports import Delivery, DeliveryStatus
from domain.events import RecordedEvent
from domain.outbox.events import DELIVERY_DROPPED, DELIVERY_RETRIED, delivery_event
from tests.support.memory_rows import Rows
from tests.support.memory_store import MemoryStore
from tests.support.world import StoredDelivery


@dataclass(frozen=True)
class MemoryOutbox:
    store: MemoryStore

    async def claim(self, subscribers: Sequence[str], *, at_most: int, lease: timedelta) -> Sequence[Delivery]:
        now = await self.store.round_trip()
        rows = self.store.rows
        due = [each for each in _next_of(rows, subscribers) if each.due_at <= now and not _is_claimed(each, now)]
        claim = uuid_utils.compat.uuid7()
        taken = sorted(due, key=lambda each: (each.due_at, each.id))[:at_most]
        for each in taken:
            rows.deliveries[each.id] = replace(each, claim=claim, claimed_until=now + lease, attempts=each.attempts + 1)
        return [_delivery(rows, each.id) for each in sorted(taken, key=lambda each: each.id)]

    async def delivered(self, delivery: Delivery) -> None:
        await self.store.round_trip()
        if self._is_ours(delivery):
            del self.store.rows.deliveries[delivery.id]

    async def postpone(self, delivery: Delivery, *, by: timedelta, error: str | None) -> None:
        now = await self.store.round_trip()
        if stored := self._is_ours(delivery):
            kept = replace(stored, claim=None, claimed_until=None, due_at=now + by, last_error=error)
            self.store.rows.deliveries[delivery.id] = kept

    async def park(self, delivery: Delivery, *, error: str) -> None:
        now = await self.store.round_trip()
        if stored := self._is_ours(delivery):
            kept = replace(stored, claim=None, claimed_until=None, parked_at=now, last_error=error)
            self.store.rows.deliveries[delivery.id] = kept

    async def next_due(self, subscribers: Sequence[str]) -> timedelta | None:
        now = await self.store.round_trip()
        waiting = _next_of(self.store.rows, subscribers)
        return min((max(each.due_at, each.claimed_until or each.due_at) - now for each in waiting), default=None)

    def _is_ours(self, delivery: Delivery) -> StoredDelivery | None:
        stored = self.store.rows.deliveries.get(delivery.id)
        return stored if stored and stored.claim == delivery.claim else None


@dataclass(frozen=True)
class MemoryOutboxDesk:
    store: MemoryStore

    async def page(self, *, parked: bool, after: int, at_most: int) -> Sequence[DeliveryStatus]:
        await self.store.round_trip()
        rows = self.store.rows
        chosen = [each for each in rows.deliveries.values() if each.id > after and bool(each.parked_at) == parked]
        return [_status(rows, each) for each in chosen[:at_most]]

    async def retry(self, delivery_ids: Sequence[int], origin: Origin) -> Sequence[int]:
        now = await self.store.round_trip()
        free = self._free(delivery_ids, now)
        for each in free:
            self._record(DELIVERY_RETRIED, each, origin, now)
            self.store.rows.deliveries[each.id] = replace(
                each, parked_at=None, attempts=0, due_at=now, created_at=now, claim=None, claimed_until=None
            )
        return [each.id for each in free]

    async def drop(self, delivery_ids: Sequence[int], origin: Origin) -> Sequence[int]:
        now = await self.store.round_trip()
        gone = self._free(delivery_ids, now)
        for each in gone:
            self._record(DELIVERY_DROPPED, each, origin, now)
            del self.store.rows.deliveries[each.id]
        return [each.id for each in gone]

    def _free(self, delivery_ids: Sequence[int], now: datetime) -> list[StoredDelivery]:
        asked = [each for each in self.store.rows.deliveries.values() if each.id in delivery_ids]
        return [each for each in asked if not _is_claimed(each, now)]

    def _record(self, kind: str, stored: StoredDelivery, origin: Origin, now: datetime) -> None:
        rows = self.store.rows
        told = _event(rows, stored).id
        rows.record(delivery_event(kind, stored.id, stored.subscriber, told, stored.user_id), origin, now)


def _next_of(rows: Rows, subscribers: Sequence[str]) -> list[StoredDelivery]:
    """Those that wait for no earlier one of the same user."""
    first: dict[tuple[str, UUID], int] = {}
    waiting = [each for each in rows.deliveries.values() if each.subscriber in subscribers and not each.parked_at]
    for each in waiting:
        if each.user_id is not None:
            first.setdefault((each.subscriber, each.user_id), each.id)
    return [each for each in waiting if each.user_id is None or first[each.subscriber, each.user_id] == each.id]


def _is_claimed(stored: StoredDelivery, now: datetime) -> bool:
    return stored.claimed_until is not None and stored.claimed_until > now


def _delivery(rows: Rows, number: int) -> Delivery:
    stored = rows.deliveries[number]
    assert stored.claim is not None
    return Delivery(
        id=number,
        subscriber=stored.subscriber,
        event=_event(rows, stored),
        attempt=stored.attempts,
        created_at=stored.created_at,
        claim=stored.claim,
    )


def _event(rows: Rows, stored: StoredDelivery) -> RecordedEvent:
    event = rows.events[stored.event]
    return RecordedEvent(
        id=UUID(int=stored.event + 1),
        type=event.type,
        occurred_at=stored.created_at,
        user_id=event.user_id,
        session_id=event.session_id,
        ip_address=event.origin.ip_address,
        user_agent=event.origin.user_agent,
        request_id=event.origin.request_id,
        data=event.data,
    )


def _status(rows: Rows, stored: StoredDelivery) -> DeliveryStatus:
    return DeliveryStatus(
        id=stored.id,
        subscriber=stored.subscriber,
        event_type=rows.events[stored.event].type,
        user_id=stored.user_id,
        created_at=stored.created_at,
        due_at=stored.due_at,
        attempts=stored.attempts,
        parked_at=stored.parked_at,
        last_error=stored.last_error,
    )
