"""Give events their places in the chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from application.audit.ports import AuditLedger, Batch, Extension, PersonalCipher, UnsealedEvent
from domain.audit.chain import GENESIS, Link
from domain.audit.entry import entry_of
from domain.audit.errors import AuditLogAltered
from domain.audit.head import Head, SignedHead, signed_bytes
from domain.errors import ServiceUnavailable

BATCH = 500
FEW = 50
"""When a whole batch takes longer than the database is given: a log that is behind must not stay so for ever."""
HEARTBEAT = timedelta(minutes=1)
"""At least so often a head says that nothing happened."""


@dataclass(frozen=True, slots=True)
class SealEvents:
    """The next events in their order, and over them a head, in one transaction.

    What is not ours is never signed: a head is put only on entries of the same transaction, behind a head that one of
    our keys signed. Otherwise an entry appended by hand would be made good by the next head.
    """

    ledger: AuditLedger
    cipher: PersonalCipher

    async def __call__(self) -> int:
        """How many were sealed; ``BATCH`` or ``FEW`` of them may not have been all.

        Raises AuditLogAltered, ServiceUnavailable.
        """
        try:
            extension = await self.ledger.extend(self._extension, at_most=BATCH)
        except ServiceUnavailable:
            extension = await self.ledger.extend(self._extension, at_most=FEW)
        return len(extension.links) if extension else 0

    def _extension(self, batch: Batch) -> Extension | None:
        last = trusted_head(batch)
        if not batch.events and not batch.erased and last and batch.now - last.at < HEARTBEAT:
            return None
        links = self._links(batch.events, last.sequence if last else 0, last.hash if last else GENESIS)
        return Extension(links=links, head=next_head(batch, links))

    def _links(self, events: Sequence[UnsealedEvent], sequence: int, previous: bytes) -> Sequence[Link]:
        links = []
        for place, waiting in enumerate(events, start=sequence + 1):
            entry = entry_of(waiting.event, waiting.owner)
            sealed = b""
            if entry.personal and waiting.key is not None:
                sealed = self.cipher.seal(waiting.key, entry.personal, str(waiting.event.id))
            links.append(Link.after(previous, place, entry.text, sealed))
            previous = links[-1].hash
        return links


def trusted_head(batch: Batch) -> Head | None:
    """The last head, if there is one.

    Raises AuditLogAltered unless it is ours and the last entry is the one it signs.
    """
    if batch.last is None:
        if batch.last_sequence:
            raise AuditLogAltered(f"there are entries up to {batch.last_sequence} and no head")
        return None
    try:
        head = batch.last.head
    except (ValueError, KeyError, TypeError, RecursionError):
        raise AuditLogAltered("the last head is not one of ours") from None
    if not batch.signer.is_ours(head.key, signed_bytes(batch.last.body), batch.last.signature):
        raise AuditLogAltered(f"head {head.number} was not signed by us")
    if head.sequence != batch.last_sequence:
        raise AuditLogAltered(f"head {head.number} is at {head.sequence}, and the last entry is {batch.last_sequence}")
    return head


def next_head(batch: Batch, links: Sequence[Link] = ()) -> SignedHead:
    """The head that follows the last one, over the entries that ``links`` adds. Raises AuditLogAltered."""
    last = trusted_head(batch)
    begins_after, begins_hash = batch.expired or ((last.begins_after, last.begins_hash) if last else (0, GENESIS))
    head = Head(
        number=last.number + 1 if last else 1,
        sequence=links[-1].sequence if links else (last.sequence if last else 0),
        hash=links[-1].hash if links else (last.hash if last else GENESIS),
        at=batch.now,
        previous=batch.last.digest if batch.last else "",
        begins_after=begins_after,
        begins_hash=begins_hash,
        erasures=(last.erasures if last else 0) + len(batch.erased),
        erased=batch.erased,
        key=batch.signer.key_id,
        successor=batch.successor,
    )
    return SignedHead(body=head.body, signature=batch.signer.sign(signed_bytes(head.body)))
