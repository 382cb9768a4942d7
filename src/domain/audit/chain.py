"""How entries hang together: each carries a hash of itself and of all before it."""

from dataclasses import dataclass
from hashlib import sha256

_LINK = b"crm-auth audit entry v1\0"
GENESIS = sha256(b"crm-auth audit genesis v1\0").digest()
"""What stands before the first entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An entry in its place. ``entry`` is canonical JSON, ``personal`` what of it is sealed, ``hash`` 32 bytes."""

    sequence: int
    entry: str
    personal: bytes
    hash: bytes

    @classmethod
    def after(cls, previous: bytes, sequence: int, entry: str, personal: bytes) -> "Link":
        """The link that follows what has the hash ``previous``."""
        linked = link_hash(previous, sequence, entry.encode(), personal)
        return cls(sequence=sequence, entry=entry, personal=personal, hash=linked)


def link_hash(previous: bytes, sequence: int, entry: bytes, personal: bytes) -> bytes:
    """SHA-256 of all of it, each part with its length, so that no byte can move from one part to another."""
    digest = sha256(_LINK + previous + sequence.to_bytes(8))
    for part in (entry, personal):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()
