"""List the sessions of somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.accounts.find_user import FindUser
from application.sessions.ports import SessionRepository
from domain.sessions.session import Session

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class ListSessionsOfUser:
    """All live sessions of an account, newest first, as an operator sees them."""

    find_user: FindUser
    sessions: SessionRepository

    async def __call__(self, identifier: str) -> Sequence[Session]:
        """Raises UserNotFound, ServiceUnavailable."""
        user = await self.find_user(identifier)
        page = await self.sessions.live_of(user.id, limit=_AT_ONCE)
        found = list(page.sessions)
        while page.next is not None:
            page = await self.sessions.live_of(user.id, limit=_AT_ONCE, after=page.next)
            found += page.sessions
        return found
