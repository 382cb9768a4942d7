"""Sign out everywhere."""

from dataclasses import dataclass

from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.sessions.ports import Caller
from domain.sessions.events import session_ended
from domain.sessions.session import EndReason


@dataclass(frozen=True, slots=True)
class EndAllSessions:
    """End all of the caller's sessions, or all but the one they are in: also one that is just being opened."""

    unit_of_work: UnitOfWorkFactory

    async def __call__(self, caller: Caller, origin: Origin, *, but_current: bool) -> None:
        """Raises InvalidAccessToken when the caller's session has ended, ServiceUnavailable."""
        work = self.unit_of_work(origin)
        if but_current:
            work.sessions.require_live(caller)
        else:
            work.sessions.end(caller, EndReason.LOGGED_OUT)
            work.record(session_ended(caller.session_id, caller.user_id, EndReason.LOGGED_OUT))
        work.sessions.end_all_of(caller.user_id, EndReason.REVOKED, but=caller.session_id)
        await work.commit()
