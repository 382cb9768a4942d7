"""What is signed: how far the chain reached, and the hash that it had there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Self
from uuid import UUID

from domain.audit.entry import VERSION, canonical, timestamp

_SIGNED = b"crm-auth audit head v1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The state of the chain at one moment. Whoever holds one finds out when anything before it was altered or cut off.

    ``begins_after`` and ``begins_hash`` name the last entry that retention has dropped, by which the first one that is
    left is verified; ``erased`` are the users erased since the head before, so that this can be done again after a
    restore; ``successor`` is the public key (hexadecimal) that signs from the next head on, when that is another.
    """

    number: int
    sequence: int
    hash: bytes
    at: datetime
    previous: str
    """Digest of the head before, hexadecimal; empty for the first."""
    begins_after: int
    begins_hash: bytes
    erasures: int
    """All that there ever were, ``erased`` included."""
    erased: Sequence[UUID]
    key: str
    successor: str = ""

    @property
    def body(self) -> str:
        """The one spelling of it, which is signed and kept."""
        return canonical(
            {
                "v": VERSION,
                "number": self.number,
                "sequence": self.sequence,
                "hash": self.hash.hex(),
                "at": timestamp(self.at),
                "previous": self.previous,
                "begins_after": self.begins_after,
                "begins_hash": self.begins_hash.hex(),
                "erasures": self.erasures,
                "erased": [str(user_id) for user_id in self.erased],
                "key": self.key,
                "successor": self.successor,
            }
        )

    @classmethod
    def of(cls, body: str) -> Self:
        """The head that has this body. Raises ValueError, KeyError or TypeError for what is none."""
        said = json.loads(body)
        return cls(
            number=said["number"],
            sequence=said["sequence"],
            hash=bytes.fromhex(said["hash"]),
            at=datetime.fromisoformat(said["at"]),
            previous=said["previous"],
            begins_after=said["begins_after"],
            begins_hash=bytes.fromhex(said["begins_hash"]),
            erasures=said["erasures"],
            erased=tuple(UUID(str(user_id)) for user_id in said["erased"]),
            key=str(said["key"]),
            successor=said["successor"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A head with its signature, as it is kept here and elsewhere."""

    body: str
    signature: bytes

    @property
    def head(self) -> Head:
        """What it says. Raises as ``Head.of`` does."""
        return Head.of(self.body)

    @property
    def digest(self) -> str:
        """By which the next head names it, hexadecimal."""
        return sha256(self.body.encode() + self.signature).hexdigest()

    @property
    def line(self) -> str:
        """As it is written off the host and exported: one line of JSON."""
        return json.dumps({"kind": "head", "body": self.body, "signature": self.signature.hex()})


def signed_bytes(body: str) -> bytes:
    """What of a head is signed: its body, told apart from whatever else a key might be asked to sign."""
    return _SIGNED + body.encode()
