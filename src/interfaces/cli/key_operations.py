"""What ``crm-auth keys`` asks the composition root to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyStatus:
    """One key, without its private part; ``state`` is next, active, retired or revoked."""

    kid: str
    algorithm: str
    state: str
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None


class KeyOperations(Protocol):
    """The keys that sign access tokens. Each raises DomainError and OperationFailed."""

    def list(self) -> Sequence[SigningKeyStatus]:
        """All keys, the newest first."""
        ...

    def rotate(self, *, at_once: bool) -> Sequence[SigningKeyStatus]:
        """Have the next key sign; the keys then."""
        ...

    def revoke(self, kid: str) -> Sequence[SigningKeyStatus] | None:
        """Trust a key no more; the keys then, or None where there is no such key."""
        ...
