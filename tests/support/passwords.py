"""A PasswordHasher for tests that are about something else: true to its contract, and a thousand times faster."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from domain.credentials.password import Password
from domain.errors import Overloaded


class FakePasswordHasher:
    """One round of salted SHA-256. ``cost`` is what its parameters are: hashes of another cost are outdated."""

    def __init__(self, *, cost: int = 1) -> None:
        self._cost = cost
        self.is_full = False

    @contextmanager
    def place(self) -> Iterator[None]:
        if self.is_full:
            raise Overloaded
        yield

    async def hash(self, password: Password) -> str:
        return self._hashed(password, secrets.token_hex(8))

    async def verify(self, password: Password, password_hash: str | None, stand_in_for: str = "") -> bool:
        match (password_hash or "").split("$"):
            case ["", "fake", _, salt, digest]:
                return hmac.compare_digest(digest, _digest(password, salt))
        return False

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(f"$fake$c={self._cost}$")

    def _hashed(self, password: Password, salt: str) -> str:
        return f"$fake$c={self._cost}${salt}${_digest(password, salt)}"


def _digest(password: Password, salt: str) -> str:
    return hashlib.sha256(f"{salt}${password.text}".encode()).hexdigest()
