"""Sign out."""

from dataclasses import dataclass

from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.sessions.ports import Caller
from domain.sessions.events import session_ended
from domain.sessions.session import EndReason


@dataclass(frozen=True, slots=True)
class LogOut:
    """End the caller's session. Neither of its tokens works from the acknowledgement on (O01)."""

    unit_of_work: UnitOfWorkFactory

    async def __call__(self, caller: Caller, origin: Origin) -> None:
        """Raises InvalidAccessToken when the session had ended already, ServiceUnavailable."""
        work = self.unit_of_work(origin)
        work.sessions.end(caller, EndReason.LOGGED_OUT)
        work.record(session_ended(caller.session_id, caller.user_id, EndReason.LOGGED_OUT))
        await work.commit()
