"""Drop what is older than the audit log is kept."""

from dataclasses import dataclass
from datetime import timedelta

from application.audit.ports import AuditLedger, Batch, Extension
from application.audit.seal_events import BATCH, next_head
from application.ports import Clock
from domain.errors import ServiceUnavailable

AT_ONCE = 5000
FEW = BATCH
"""When that takes longer than the database is given: a log that is behind must not stay so for ever.

No fewer than one head may sign, for only up to a head can anything be dropped.
"""


@dataclass(frozen=True, slots=True)
class DropExpiredEntries:
    """From the front, up to an entry that a head was signed at; a new head says where the log begins from now on."""

    ledger: AuditLedger
    clock: Clock
    kept: timedelta

    async def __call__(self) -> int:
        """How many entries are gone; a bounded number at once.

        Raises AuditLogAltered, ServiceUnavailable.
        """
        before = self.clock.now() - self.kept
        try:
            return await self.ledger.drop(_extension, before=before, at_most=AT_ONCE)
        except ServiceUnavailable:
            return await self.ledger.drop(_extension, before=before, at_most=FEW)


def _extension(batch: Batch) -> Extension:
    return Extension(links=(), head=next_head(batch))
