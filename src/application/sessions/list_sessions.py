"""See where one is signed in."""

from dataclasses import dataclass

from application.sessions.ports import Caller, SessionPage, SessionPosition, SessionRepository
from domain.sessions.errors import InvalidAccessToken


@dataclass(frozen=True, slots=True)
class ListSessions:
    """The caller's live sessions, newest first, the one they are in among them (O05)."""

    sessions: SessionRepository

    async def __call__(self, caller: Caller, *, limit: int, after: SessionPosition | None = None) -> SessionPage:
        """Raises InvalidAccessToken when the caller's session has ended, ServiceUnavailable."""
        page = await self.sessions.live_beside(caller, limit=limit, after=after)
        if page is None:
            raise InvalidAccessToken
        return page
