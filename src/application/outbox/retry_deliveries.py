"""Have deliveries tried again, as if for the first time."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.origin import Origin
from application.outbox.list_deliveries import ListDeliveries
from application.outbox.ports import OutboxDesk


@dataclass(frozen=True, slots=True)
class RetryDeliveries:
    """The ones named, or all that were given up."""

    desk: OutboxDesk
    list_deliveries: ListDeliveries

    async def __call__(self, delivery_ids: Sequence[int] | None, origin: Origin) -> Sequence[int]:
        """Which it was done with: not with one that is being delivered at this moment, or that there is none of.

        Raises ServiceUnavailable.
        """
        if delivery_ids is not None:
            return await self.desk.retry(delivery_ids, origin)
        return [each async for ids in self.list_deliveries.parked_ids() for each in await self.desk.retry(ids, origin)]
