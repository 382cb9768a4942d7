"""What operators do with deliveries."""

from uuid import UUID

from domain.events import DomainEvent

DELIVERY_RETRIED = "delivery.retried"
DELIVERY_DROPPED = "delivery.dropped"


def delivery_event(kind: str, delivery_id: int, subscriber: str, told: UUID, user_id: UUID | None) -> DomainEvent:
    """An operator had a delivery tried again, or dropped it; ``told`` is the event it was to tell of."""
    data = {"delivery": str(delivery_id), "subscriber": subscriber, "event": str(told)}
    return DomainEvent(type=kind, user_id=user_id, data=data)
