"""Write down that an operator read the audit log."""

from dataclasses import dataclass

from application.origin import Origin
from application.ports import UnitOfWorkFactory
from domain.audit.events import audit_read


@dataclass(frozen=True, slots=True)
class NoteReading:
    """Before it is read: who looks at what people did is seen by those who look after them."""

    unit_of_work: UnitOfWorkFactory

    async def __call__(self, what: str, origin: Origin) -> None:
        """``what`` is the command. Raises ServiceUnavailable."""
        work = self.unit_of_work(origin)
        work.record(audit_read(what))
        await work.commit()
