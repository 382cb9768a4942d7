"""What ``crm-auth outbox`` does: use cases, on the server's database or on the embedded one."""

from collections.abc import Sequence

from application.outbox.list_deliveries import DeliveryPage
from bootstrap.on_the_service import on_the_service
from bootstrap.operator import operator_origin


class ServiceOutbox:
    """Implements :class:`interfaces.cli.operations.OutboxOperations`."""

    def list(self, *, parked: bool, after: int, limit: int) -> DeliveryPage:
        """Those that were given up, or that wait."""
        page: DeliveryPage = on_the_service(
            lambda container: container.use_cases.list_deliveries()(parked=parked, after=after, limit=limit)
        )
        return page

    def retry(self, delivery_ids: Sequence[int] | None) -> Sequence[int]:
        """Have them delivered as if for the first time."""
        retried: Sequence[int] = on_the_service(
            lambda container: container.use_cases.retry_deliveries()(delivery_ids, operator_origin())
        )
        return retried

    def drop(self, delivery_ids: Sequence[int] | None) -> Sequence[int]:
        """Forget them."""
        dropped: Sequence[int] = on_the_service(
            lambda container: container.use_cases.drop_deliveries()(delivery_ids, operator_origin())
        )
        return dropped
