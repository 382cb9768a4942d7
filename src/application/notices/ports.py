"""What notices need of the world."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where a session was opened: ``device`` in words for people, as ``Firefox on Windows``; either may be unknown."""

    device: str | None
    ip_address: str | None
    is_news: bool
    """Whether the user had signed in before, but in no session that is kept by the same device from nearby."""


class DeviceHistory(Protocol):
    """From where people have signed in."""

    async def sighting(self, session_id: UUID) -> Sighting | None:
        """Of that session, live or ended, as of when it was opened; ``None`` when it is not kept any more.

        The same device is one of the same description, or of the same user agent where there is none. Nearby is the
        same IPv4 /16 or IPv6 /32: within it providers renew their customers' addresses, and a thief elsewhere with
        the same browser is outside of it. The very first sign-in of a user is no news (L14).

        One statement; raises ServiceUnavailable.
        """
        ...
