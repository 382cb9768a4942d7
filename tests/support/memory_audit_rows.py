"""The tables of the audit log in memory."""

import json
from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.accounts.pending_sign_up import SIGN_UP_REQUESTED
from domain.audit.chain import Link
from domain.audit.entry import timestamp
from domain.audit.head import SignedHead


@dataclass(frozen=True)
class Waiting:
    """An event that is not sealed, by its place in the record."""

    position: int
    occurred_at: datetime


@dataclass
class AuditRows:
    """Values are immutable, so that a copy of the tables is a snapshot."""

    queue: list[Waiting] = field(default_factory=list)
    entries: dict[int, Link] = field(default_factory=dict)
    heads: dict[int, SignedHead] = field(default_factory=dict)
    written: frozenset[int] = frozenset()
    """Numbers of the heads that are written off the host."""
    keys: dict[str, bytes | None] = field(default_factory=dict)
    """By owner; nothing for one that is damaged."""
    erasures: dict[UUID, bool] = field(default_factory=dict)
    """By user, whether a head tells of it."""
    signing_keys: list[Ed25519PrivateKey] = field(default_factory=list)
    """The newest last, which signs."""
    is_held: bool = False
    """Another worker is at it."""

    def copy(self) -> "AuditRows":
        return replace(
            self,
            queue=list(self.queue),
            entries=dict(self.entries),
            heads=dict(self.heads),
            keys=dict(self.keys),
            erasures=dict(self.erasures),
            signing_keys=list(self.signing_keys),
        )

    def erase(self, user_id: UUID) -> None:
        self.keys.pop(str(user_id), None)
        self.erasures[user_id] = False

    def add(self, signed: SignedHead) -> None:
        head = signed.head
        self.heads[head.number] = signed
        self.erasures |= dict.fromkeys(head.erased, True)

    def drop(self, sequence: int, before: datetime, users: Container[UUID]) -> int:
        """All up to that entry, the heads before it, and the keys that nothing is left of."""
        gone = [json.loads(self.entries.pop(each).entry) for each in sorted(self.entries) if each <= sequence]
        self.heads = {
            number: each for number, each in self.heads.items() if said_by(each).get("sequence", 0) >= sequence
        }
        oldest = min([timestamp(before), *(json.loads(each.entry)["at"] for each in self.entries.values())])[:7]
        owners = {each.get("key") for each in gone if each["type"] == SIGN_UP_REQUESTED}
        for owner in list(self.keys):
            is_month = len(owner) == len(oldest)
            if owner < oldest if is_month else owner in owners and UUID(owner) not in users:
                del self.keys[owner]
        return len(gone)


def said_by(signed: SignedHead) -> Mapping[str, Any]:
    """What a head says, whoever wrote it; nothing, when it is deeper than it can be read."""
    with suppress(RecursionError):
        return dict(json.loads(signed.body))
    return {}
