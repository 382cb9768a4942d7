"""Read one's own profile."""

from dataclasses import dataclass

from application.sessions.ports import Caller, SessionRepository
from domain.accounts.user import User
from domain.sessions.errors import InvalidAccessToken


@dataclass(frozen=True, slots=True)
class ViewProfile:
    """The caller's own account."""

    sessions: SessionRepository

    async def __call__(self, caller: Caller) -> User:
        """Raises InvalidAccessToken when the caller's session has ended, ServiceUnavailable."""
        live = await self.sessions.live(caller)
        if live is None:
            raise InvalidAccessToken
        return live.user
