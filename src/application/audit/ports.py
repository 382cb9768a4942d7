"""What sealing and reading the audit log need of the world."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.origin import Origin
from domain.audit.chain import Link
from domain.audit.head import SignedHead
from domain.events import RecordedEvent


class HeadSigner(Protocol):
    """The key that signs heads just now, and those that did before."""

    @property
    def key_id(self) -> str:
        """Of the one that signs."""
        ...

    def sign(self, message: bytes) -> bytes:
        """A signature by it."""
        ...

    def is_ours(self, key_id: str, message: bytes, signature: bytes) -> bool:
        """Whether the key of that id, this one or an earlier one, signed the message."""
        ...


class PersonalCipher(Protocol):
    """Seals what is personal in an entry under a key that can be destroyed."""

    def seal(self, key: bytes, plaintext: bytes, bound_to: str) -> bytes:
        """Authenticated, and opened only together with ``bound_to``."""
        ...

    def unseal(self, key: bytes, sealed: bytes, bound_to: str) -> bytes | None:
        """What was sealed; ``None`` when it was another key, or was altered."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsealedEvent:
    """An event that waits for its place, and the key for what is personal in it; without, if its user is erased."""

    event: RecordedEvent
    owner: str | None = None
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is to be sealed next, and where the chain stands."""

    now: datetime
    events: Sequence[UnsealedEvent]
    erased: Sequence[UUID]
    """Users erased since the last head."""
    last: SignedHead | None
    last_sequence: int
    """Of the last entry that is there, or of the last that was dropped: that of the last head, unless somebody else
    wrote."""
    signer: HeadSigner
    successor: str = ""
    """The public key, hexadecimal, that takes over with the next head."""
    expired: tuple[int, bytes] | None = None
    """The last entry, and its hash, of those at the front that are kept no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What is written: entries, and the head over all of them."""

    links: Sequence[Link]
    head: SignedHead


Build = Callable[[Batch], Extension | None]
"""What becomes of a batch; nothing, when there is nothing to be said."""


class AuditLedger(Protocol):
    """The chain, as it is extended. One at a time, of any number of workers."""

    async def extend(self, build: Build, *, at_most: int) -> Extension | None:
        """Write what ``build`` makes of the next events, in one transaction, or nothing if it makes nothing of them.

        ``None`` also when another worker is at it. What ``build`` raises undoes everything. Raises ServiceUnavailable.
        """
        ...

    async def drop(self, build: Build, *, before: datetime, at_most: int) -> int:
        """Drop entries that are older, from the front, under a head that says so; how many."""
        ...

    async def rotate(self, build: Build, origin: Origin) -> str | None:
        """Have another key sign from now on, under a head that names it, with its event; its id.

        ``None`` when a worker is at the log just now.
        """
        ...

    async def unwritten_heads(self, *, at_most: int) -> Sequence[SignedHead]:
        """Those that have not been written off the host, in order."""
        ...

    async def heads_written(self, heads: Sequence[SignedHead]) -> None:
        """Note that they are."""
        ...


class HeadPublisher(Protocol):
    """Where heads go, so that whoever alters the database does not alter them as well."""

    async def publish(self, heads: Sequence[SignedHead]) -> None:
        """Have them written, for good. Raises OSError when they cannot be."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries are wanted; every condition that is given has to hold."""

    user_id: UUID | None = None
    session_id: UUID | None = None
    request_id: str | None = None
    types: Sequence[str] = ()
    """Whole types, or the beginnings of such, as ``session.``"""
    since: datetime | None = None
    until: datetime | None = None
    with_keys: bool = True
    """Whether keys are opened, which is for whoever reads what is personal. One that is damaged stops nobody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """An entry as it is kept, and the key for what is personal in it, if there still is one."""

    link: Link
    key: bytes | None = field(default=None, repr=False)
    is_key_damaged: bool = False
    """There is one, and it cannot be opened."""


END = 2**63 - 1
"""Higher than any sequence."""


class AuditTrail(Protocol):
    """The chain, as it is read."""

    async def entries(self, query: AuditQuery, *, after: int, up_to: int = END, at_most: int) -> Sequence[KeptEntry]:
        """The next with a higher sequence; none when there are no more. Raises ServiceUnavailable."""
        ...

    async def latest(self, query: AuditQuery, *, up_to: int = END, at_most: int) -> Sequence[KeptEntry]:
        """The last of them, in order. Raises ServiceUnavailable."""
        ...

    async def heads(self, *, after: int, at_most: int) -> Sequence[tuple[int, SignedHead]]:
        """The next with a higher number, by which they are kept, whatever they say themselves."""
        ...

    async def public_keys(self) -> Sequence[bytes]:
        """All that signed, the newest first: Ed25519, 32 bytes (RFC 8032 5.1.5)."""
        ...
