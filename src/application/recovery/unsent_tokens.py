"""The tokens of mails that wait for their server."""

from dataclasses import dataclass, field
from uuid import UUID

from application.recovery.ports import NewOneTimeToken
from domain.accounts.identifiers import EmailAddress
from domain.events import RecordedEvent
from domain.recovery.one_time_token import TokenPurpose

MOST = 20_000
"""Some ten megabytes."""


@dataclass(frozen=True, slots=True)
class UnsentTokens:
    """What was made for mails that are not known to be sent, so that each attempt at a mail brings the same link.

    Otherwise a mail server that is away for days would leave thousands of good tokens for each mail. Revoking is no way
    out: a mail whose answer was lost has arrived. They are in memory alone, for their text is written down nowhere;
    another process, or this one started anew, makes one more for a mail.
    """

    _by_mail: dict[tuple[UUID, TokenPurpose], tuple[EmailAddress, NewOneTimeToken]] = field(
        default_factory=dict, repr=False
    )

    def find(self, event: RecordedEvent, purpose: TokenPurpose, to: EmailAddress) -> NewOneTimeToken | None:
        """The one that the mail about ``event`` has, if it went to that address: to another it has another (P11)."""
        address, new = self._by_mail.get((event.id, purpose), (None, None))
        return new if address and address.canonical == to.canonical else None

    def keep(self, event: RecordedEvent, to: EmailAddress, new: NewOneTimeToken) -> None:
        """Until it is forgotten. Of too many every second goes: the rest still come round again."""
        mail = event.id, new.token.purpose
        if mail not in self._by_mail and len(self._by_mail) >= MOST:
            for each in list(self._by_mail)[::2]:
                del self._by_mail[each]
        self._by_mail[mail] = to, new

    def forget(self, event: RecordedEvent, purpose: TokenPurpose) -> None:
        """The mail is sent, or never will be."""
        self._by_mail.pop((event.id, purpose), None)
