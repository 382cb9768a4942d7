"""How a password is found among the published hashes: its SHA-1, in two pieces."""

import hashlib
from array import array
from dataclasses import dataclass
from typing import NamedTuple

RANGES = 1 << 20
"""The first five hexadecimal digits of a hash say its range; publishers cut their lists at these."""


class HashedPassword(NamedTuple):
    """``range`` is the first 20 bits of a SHA-1, ``key`` the 64 that follow; the rest is not needed."""

    range: int
    key: int

    @classmethod
    def of(cls, spelling: bytes) -> "HashedPassword":
        """Of the bytes that were typed. Nothing is kept secret by it: SHA-1 is what the published lists have."""
        digest = int.from_bytes(hashlib.sha1(spelling, usedforsecurity=False).digest())
        return cls(digest >> 140, digest >> 76 & (1 << 64) - 1)


@dataclass(frozen=True, slots=True)
class HashRange:
    """The keys of one range, or some of them, as unsigned 64-bit numbers."""

    number: int
    keys: "array[int]"
