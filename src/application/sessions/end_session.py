"""End one of one's sessions."""

from dataclasses import dataclass
from uuid import UUID

from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.sessions.ports import Caller
from domain.sessions.errors import SessionNotFound
from domain.sessions.events import session_ended
from domain.sessions.session import EndReason


@dataclass(frozen=True, slots=True)
class EndSession:
    """End the caller's session of that id, be it the one they are in. Neither of its tokens works from then on."""

    unit_of_work: UnitOfWorkFactory

    async def __call__(self, caller: Caller, session_id: UUID | None, origin: Origin) -> None:
        """``session_id`` is ``None`` for what is no id at all: refused like any that is not theirs (O06).

        Raises SessionNotFound, InvalidAccessToken when the caller's session has ended, ServiceUnavailable.
        """
        work = self.unit_of_work(origin)
        work.sessions.require_live(caller)
        if session_id is not None:
            reason = EndReason.LOGGED_OUT if session_id == caller.session_id else EndReason.REVOKED
            work.sessions.end_one_of(caller.user_id, session_id, reason)
            work.record(session_ended(session_id, caller.user_id, reason))
        await work.commit()
        if session_id is None:
            raise SessionNotFound
