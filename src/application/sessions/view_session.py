"""Read the session one is in."""

from dataclasses import dataclass

from application.sessions.ports import Caller, SessionRepository
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import Session


@dataclass(frozen=True, slots=True)
class ViewSession:
    """The caller's current session."""

    sessions: SessionRepository

    async def __call__(self, caller: Caller) -> Session:
        """Raises InvalidAccessToken when the session has ended, ServiceUnavailable."""
        live = await self.sessions.live(caller)
        if live is None:
            raise InvalidAccessToken
        return live.session
