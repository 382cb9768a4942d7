"""Show what is still to be delivered."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from application.outbox.ports import DeliveryStatus, OutboxDesk

BATCH = 500


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, oldest first; ``next`` is what to go on after, ``None`` when those were the last."""

    deliveries: Sequence[DeliveryStatus]
    next: int | None


@dataclass(frozen=True, slots=True)
class ListDeliveries:
    """Those that were given up, or those that wait."""

    desk: OutboxDesk

    async def __call__(self, *, parked: bool, after: int, limit: int) -> DeliveryPage:
        """Raises ServiceUnavailable."""
        found = await self.desk.page(parked=parked, after=after, at_most=limit + 1)
        shown = found[:limit]
        return DeliveryPage(shown, shown[-1].id if len(found) > limit else None)

    async def parked_ids(self) -> AsyncIterator[Sequence[int]]:
        """All that were given up, in batches that one statement has time for. Raises ServiceUnavailable."""
        after: int | None = 0
        while after is not None:
            page = await self(parked=True, after=after, limit=BATCH)
            if page.deliveries:
                yield [each.id for each in page.deliveries]
            after = page.next
