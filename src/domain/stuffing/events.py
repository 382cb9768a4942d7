"""What is written down of it."""

from domain.events import DomainEvent
from domain.stuffing.recognition import SignIns, StuffingKind

RECOGNISED = "credential_stuffing.recognised"
ENDED = "credential_stuffing.ended"


def stuffing_recognised(kind: StuffingKind, seen: SignIns) -> DomainEvent:
    """An episode begins. Its source, if it is one, is the address of the event."""
    counts = {"failed": seen.failed, "accounts": seen.accounts, "sources": seen.sources}
    return DomainEvent(type=RECOGNISED, data={"kind": kind.value, **{name: str(n) for name, n in counts.items()}})
