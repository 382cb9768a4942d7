"""What the account use cases need of the world."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.origin import Origin
from domain.accounts.errors import IdentifierTaken
from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.user import User
from domain.credentials.password import PasswordCredential


class EmailAddressParser(Protocol):
    """Judges the syntax of an address and gives its canonical form; sends nothing and asks nobody."""

    def __call__(self, text: str) -> EmailAddress:
        """Raises InvalidValue ``invalid_email``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRegistration:
    """A sign-up that the limits admit, and what stands in its way so far."""

    now: datetime
    taken: IdentifierTaken | None


class Registrations(Protocol):
    """The door of sign-up."""

    async def open(self, email: EmailAddress, username: Username, origin: Origin) -> OpenRegistration:
        """Count the attempt against its limits and see whether the identifiers are free, in one round trip.

        An ``origin`` without an address is not limited by source. Raises TooManyAttempts (S14).
        """
        ...

    async def taken(self, email: EmailAddress, username: Username) -> IdentifierTaken | None:
        """Which of the identifiers belong to an account; counts nothing."""
        ...


class AccountWriter(Protocol):
    """Writes accounts, in a unit of work."""

    def add(self, user: User, credential: PasswordCredential) -> None:
        """A new account with its password. The commit raises IdentifierTaken when an identifier is not free (S12)."""
        ...
