"""Write heads off the host."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.audit.ports import AuditLedger, HeadPublisher

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class PublishHeads:
    """In their order, each at least once: one that was written before a crash and not noted is written again."""

    ledger: AuditLedger
    publishers: Sequence[HeadPublisher]
    """None where heads stay in the database."""

    async def __call__(self) -> int:
        """How many. Raises OSError, ServiceUnavailable; what was not written is tried again the next time."""
        if not self.publishers:
            return 0
        heads = await self.ledger.unwritten_heads(at_most=AT_ONCE)
        if heads:
            for publisher in self.publishers:
                await publisher.publish(heads)
            await self.ledger.heads_written(heads)
        return len(heads)
