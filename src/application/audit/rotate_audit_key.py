"""Have another key sign the heads of the audit log."""

from dataclasses import dataclass

from application.audit.ports import AuditLedger, Batch, Extension
from application.audit.seal_events import next_head
from application.origin import Origin
from domain.errors import ServiceUnavailable


@dataclass(frozen=True, slots=True)
class RotateAuditKey:
    """The old key signs a head that names the new one: whoever trusts the old one can go on with it."""

    ledger: AuditLedger

    async def __call__(self, origin: Origin) -> str:
        """The new key's id.

        Raises AuditLogAltered, ServiceUnavailable.
        """
        key_id = await self.ledger.rotate(_extension, origin)
        if key_id is None:
            raise ServiceUnavailable("The audit log is being written just now.", retry_after=1)
        return key_id


def _extension(batch: Batch) -> Extension:
    return Extension(links=(), head=next_head(batch))
