"""What a way of hashing passwords can do; each has a module of its own."""

from typing import Protocol


class UnreadableHash(Exception):
    """A stored hash is damaged, or asks for more than any hash may cost; the message says which without quoting it."""


class PasswordScheme(Protocol):
    """Hashes, and reads hashes of its own. All of it is synchronous; what takes time is for a thread of the pool."""

    def is_its_own(self, stored: str) -> bool:
        """Whether the stored hash is of this scheme by its prefix, damaged or not."""
        ...

    def hash(self, password: bytes) -> str:
        """A PHC string with a random salt, of today's cost. Raises Overloaded."""
        ...

    def matches(self, password: bytes, stored: str) -> bool:
        """Whether the password is the hashed one. Raises UnreadableHash, Overloaded."""
        ...

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash of this scheme was made in another way than today's."""
        ...

    def stand_in(self, kind: str) -> str | None:
        """A hash of no password that costs what hashes of that kind do, which begin alike.

        ``None`` for a kind that is not of this scheme, or that no check is made against.
        """
        ...
