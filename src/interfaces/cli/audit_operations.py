"""What ``crm-auth audit`` asks the composition root to do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

Document = Mapping[str, Any]
Show = Callable[[Sequence[Document]], None]
"""Is given entries as they come, some at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearch:
    """Which entries are wanted; every condition that is given has to hold. ``user`` is named as for `users show`."""

    user: str | None = None
    session_id: UUID | None = None
    request_id: str | None = None
    ip_address: str | None = None
    types: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came of a verification: for people a line each, and as one document."""

    is_intact: bool
    lines: Sequence[str]
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many erased users had come back, and the numbers of the lines of the heads that could not be read."""

    count: int
    unreadable: Sequence[int]


class AuditReading(Protocol):
    """Looking into the log. Each raises DomainError and OperationFailed."""

    def tail(self, search: AuditSearch, *, count: int, follow: bool, show: Show) -> None:
        """The last entries and, with ``follow``, those that come, until interrupted."""
        ...

    def search(self, search: AuditSearch, *, after: int, limit: int | None, show: Show) -> None:
        """Entries with a higher sequence than ``after``, in their order."""
        ...

    def export(self, *, personal: bool, show: Callable[[Document], None]) -> None:
        """All of it, in the order in which it is verified."""
        ...

    def heads(self, show: Callable[[Document], None]) -> None:
        """All heads."""
        ...


class AuditProving(Protocol):
    """Verifying the log, and its keys. Each raises DomainError and OperationFailed."""

    def verify(self, heads: Path | None) -> Verified:
        """The log in the database, also by heads that were kept elsewhere."""
        ...

    def verify_file(self, export: str, public_key: Path, heads: Path | None) -> Verified:
        """An export, without a database and without settings."""
        ...

    def verifier(self) -> str:
        """The text of the program that verifies exports elsewhere."""
        ...

    def public_keys(self) -> str:
        """All public keys in PEM, the newest first."""
        ...

    def rotate_key(self) -> str:
        """Have another key sign; its id."""
        ...

    def replay_erasures(self, heads: Path, public_keys: Sequence[Path]) -> Replayed:
        """Erase again whom those heads say to be erased, signed by these keys or, without any, the database's."""
        ...
