"""What the use cases that handle passwords need of the world."""

from collections.abc import Sequence
from typing import Protocol

from domain.credentials.password import Password, PasswordCredential, Weakness


class PasswordHasher(Protocol):
    """Hashes and verifies off the event loop, in bounded number (D01).

    Those that are awaited raise Overloaded at once when too many wait. Work nobody awaits any more is not done.
    """

    async def hash(self, password: Password) -> str:
        """A PHC string with a salt of its own."""
        ...

    async def verify(self, password: Password, password_hash: str | None) -> bool:
        """Whether the password is the hashed one.

        ``None`` stands for an unknown user: it costs what a known one costs and is never right (L02).
        """
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than today's, so that it should be made anew (L11)."""
        ...


class PasswordStrengthEstimator(Protocol):
    """Judges how soon a password would be guessed; asks nobody outside."""

    def weakness(self, password: Password, own_words: Sequence[str]) -> Weakness | None:
        """Why it is weak, or ``None``; ``own_words`` are the account's names, as typed (S03)."""
        ...


class CredentialWriter(Protocol):
    """Writes credentials, in a unit of work."""

    def rehash(self, credential: PasswordCredential, password_hash: str) -> None:
        """Replace the hash, unless the password was changed meanwhile; the version stays, so nobody is signed out."""
        ...
