"""A device that somebody signed in from before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.credentials.password import PasswordCredential


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDevice:
    """What the token of a device says: whose it is, and of which password.

    It is no credential and opens nothing. Whoever guesses passwords from such a device is counted by the device, and
    so nobody who guesses elsewhere can keep its owner out (L06).
    """

    id: UUID
    user_id: UUID
    credential_version: int
    made_at: datetime

    def is_known_to(self, credential: PasswordCredential | None, now: datetime, lifetime: timedelta) -> bool:
        """Whether it counts for that account: the same password still, and not too old."""
        return (
            credential is not None
            and (credential.user_id, credential.version) == (self.user_id, self.credential_version)
            and self.made_at > now - lifetime
        )
