"""What delivering needs of the world, and what a new service implements to be told of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol
from uuid import UUID

from application.origin import Origin
from domain.events import RecordedEvent

Subscriptions = Mapping[str, Sequence[str]]
"""The names of the subscribers by what they are told of: a type of event (``session.ended``), or one with a reason
(``session.ended/refresh_token_reused``)."""


class Subscriber(Protocol):
    """Does something about events that have happened, such as writing a mail.

    It is told at least once: after a crash it may be told again, with the same ``event.id``. Those of one user come
    in the order in which they happened.
    """

    name: ClassVar[str]
    """Stable: what is still to be delivered is kept under it."""
    topics: ClassVar[frozenset[str]]
    """What it wants to be told of: types of event, as ``user.registered``, or types with a reason."""

    async def __call__(self, event: RecordedEvent) -> str | None:
        """``None`` when it is done, or has nothing to do; else why trying again is in vain.

        After anything it raises it is tried again: for days after ServiceUnavailable, ten times after anything else.
        TooManyAttempts puts it off: it is told again, less and less often, and has to know itself when that is in vain.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event that a subscriber is to be told, claimed by one worker for a while."""

    id: int
    subscriber: str
    event: RecordedEvent
    attempt: int
    """Counts from 1."""
    created_at: datetime
    claim: UUID


class Outbox(Protocol):
    """Who has still to be told what; the unit of work that records an event puts it there.

    Each method is one statement, and raises ServiceUnavailable.
    """

    async def claim(self, subscribers: Sequence[str], *, at_most: int, lease: timedelta) -> Sequence[Delivery]:
        """Deliveries that are due, for this worker alone while the lease lasts; the oldest first.

        None for a user who waits for an earlier one of the same subscriber. One whose worker died is given out anew
        when its lease is over.
        """
        ...

    async def delivered(self, delivery: Delivery) -> None:
        """It is done. Nothing happens when the claim has passed to another worker."""
        ...

    async def postpone(self, delivery: Delivery, *, by: timedelta, error: str | None) -> None:
        """Try again later; without an error it was only put off."""
        ...

    async def park(self, delivery: Delivery, *, error: str) -> None:
        """Give it up until an operator says otherwise; later ones of the same user go on."""
        ...

    async def next_due(self, subscribers: Sequence[str]) -> timedelta | None:
        """How long until the next that is not claimed is due; ``None`` when nothing waits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """A delivery as an operator sees it; ``parked_at`` is set once it has been given up."""

    id: int
    subscriber: str
    event_type: str
    user_id: UUID | None
    created_at: datetime
    due_at: datetime
    attempts: int
    parked_at: datetime | None
    last_error: str | None


class OutboxDesk(Protocol):
    """The outbox as operators see it. Each method is one statement, and raises ServiceUnavailable."""

    async def page(self, *, parked: bool, after: int, at_most: int) -> Sequence[DeliveryStatus]:
        """Those with an id above ``after`` in their order: given up, or waiting."""
        ...

    async def retry(self, delivery_ids: Sequence[int], origin: Origin) -> Sequence[int]:
        """Have them delivered as if for the first time; those it was done with, each recorded as ``delivery.retried``.

        One that is being delivered at this moment is left alone.
        """
        ...

    async def drop(self, delivery_ids: Sequence[int], origin: Origin) -> Sequence[int]:
        """Forget them; those that are gone, each recorded as ``delivery.dropped``.

        One that is being delivered at this moment stays.
        """
        ...


def subscriptions_of(subscribers: Sequence[type[Subscriber]]) -> Subscriptions:
    """Who is told what."""
    topics = sorted({topic for each in subscribers for topic in each.topics})
    return {topic: [each.name for each in subscribers if topic in each.topics] for topic in topics}
