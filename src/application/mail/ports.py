"""What writing mail needs of the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.accounts.identifiers import EmailAddress
from domain.mail.kinds import MailKind


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MailText:
    """A mail's subject, and its content as plain text and as HTML that loads nothing."""

    language: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Mail:
    """A mail to one recipient. ``id`` is the same each time it is sent, so that a repeat can be recognised (X03)."""

    id: str
    to: EmailAddress
    content: MailText


class MailWriter(Protocol):
    """Puts mails into words."""

    def write(self, kind: MailKind, language: str, values: Mapping[str, str]) -> MailText:
        """The mail in that language; ``values`` are what its text speaks of, as plain text, such as ``link``."""
        ...


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, mail: Mail) -> str | None:
        """``None`` once it has been taken by who is to carry it on, else why it never will be.

        Raises ServiceUnavailable when that cannot be told now.
        """
        ...


class MailAllowance(Protocol):
    """How much mail may be sent (D08). Each method is one statement, and raises ServiceUnavailable."""

    async def take(self, to: EmailAddress, kind: MailKind) -> bool:
        """Count one mail; ``False`` when the recipient has had as many of the kind as they may be sent.

        Raises ServiceUnavailable also when all mails together are too many: what waits is sent later.
        """
        ...

    async def give_back(self, to: EmailAddress, kind: MailKind) -> None:
        """It could not be sent."""
        ...
