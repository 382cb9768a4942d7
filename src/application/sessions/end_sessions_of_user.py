"""End sessions of somebody else."""

from dataclasses import dataclass
from uuid import UUID

from application.accounts.find_user import FindUser
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from domain.accounts.user import User
from domain.sessions.events import session_ended
from domain.sessions.session import EndReason


@dataclass(frozen=True, slots=True)
class EndSessionsOfUser:
    """Sign the owner of an account out, everywhere or of one session (A04). They can sign in again."""

    find_user: FindUser
    unit_of_work: UnitOfWorkFactory

    async def __call__(self, identifier: str, session_id: UUID | None, origin: Origin) -> User:
        """All of them with ``None``. Raises UserNotFound, SessionNotFound for one that is not live or not theirs."""
        user = await self.find_user(identifier)
        work = self.unit_of_work(origin)
        if session_id is None:
            work.sessions.end_all_of(user.id, EndReason.REVOKED_BY_OPERATOR)
        else:
            work.sessions.end_one_of(user.id, session_id, EndReason.REVOKED_BY_OPERATOR)
            work.record(session_ended(session_id, user.id, EndReason.REVOKED_BY_OPERATOR))
        await work.commit()
        return user
