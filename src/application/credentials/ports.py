"""What the use cases that handle passwords need of the world."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.origin import Origin
from application.sessions.ports import Caller, LiveSession
from domain.credentials.password import Password, PasswordCredential, Weakness
from domain.limits import Allowance


class PasswordHasher(Protocol):
    """Hashes and verifies off the event loop, in bounded number (D01).

    Those that are awaited raise Overloaded at once when too many wait. Work nobody awaits any more is not done.
    """

    def place(self) -> AbstractContextManager[None]:
        """A place among those who will be served in time, for as long as the context lasts.

        Raises Overloaded at once when there is none; for who can be turned away before anything has been done for them.
        """
        ...

    async def hash(self, password: Password) -> str:
        """A PHC string with a salt of its own."""
        ...

    async def verify(self, password: Password, password_hash: str | None, stand_in_for: str = "") -> bool:
        """Whether the password is the hashed one.

        ``None`` stands for an unknown user: it costs what a known one costs and is never right (L02). Where those
        costs differ, ``stand_in_for``, a keyed digest of the unknown name, decides which, always the same.
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


class BreachedPasswords(Protocol):
    """Knows the passwords that were published in breaches; asks nobody outside."""

    def includes(self, password: Password) -> bool:
        """Whether it is one of them, however its accents were typed; seldom true of one that is not (S03).

        Raises ServiceUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReauthenticationAttempt:
    """A live session whose holder is about to prove their password again, and the limits admit it."""

    live: LiveSession
    credential: PasswordCredential | None
    allowances: tuple[Allowance, ...]
    """See :class:`application.sessions.ports.CountedAttempt`."""


class Reauthentications(Protocol):
    """The door of what asks a signed-in caller for their password again."""

    async def open(self, caller: Caller, origin: Origin) -> ReauthenticationAttempt:
        """Count the attempt on the session, and find that and its account, in one round trip (P01).

        On nothing else: whoever guesses at sign-in, or behind the same address, does not keep its holder from it, and
        who found a session open has no more guesses than at sign-in (L06, L08).

        Raises InvalidAccessToken when the session is not live, and then counts nothing; TooManyAttempts.
        """
        ...


class CredentialWriter(Protocol):
    """Writes credentials, in a unit of work."""

    def replace(self, credential: PasswordCredential, password_hash: str) -> None:
        """Another password in the place of that one: its version grows, so no sign-in with the old one ends well.

        The commit raises WrongPassword when that one has been changed meanwhile.
        """
        ...

    def lock_out(self, user_id: UUID, password_hash: str) -> None:
        """The same for the user's password whatever it is by then. Use it beside ``SessionWriter.end_all_of``."""
        ...

    def rehash(self, credential: PasswordCredential, password_hash: str) -> None:
        """Replace the hash, unless the password was changed meanwhile; the version stays, so nobody is signed out."""
        ...
