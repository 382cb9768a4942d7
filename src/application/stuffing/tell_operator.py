"""Tell the operator that lists of stolen passwords are being tried."""

from dataclasses import dataclass
from typing import ClassVar

from application.mail.send_mail import SendMail
from domain.accounts.identifiers import EmailAddress
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind
from domain.mail.times import time_in_words
from domain.stuffing.events import RECOGNISED


@dataclass(frozen=True, slots=True, kw_only=True)
class TellOperator:
    """The subscriber that mails the operator, once an episode, if they have said where to."""

    name: ClassVar[str] = "operator_notice"
    topics: ClassVar[frozenset[str]] = frozenset({RECOGNISED})

    to: EmailAddress | None
    send_mail: SendMail

    async def __call__(self, event: RecordedEvent) -> str | None:
        """See Subscriber. Raises ServiceUnavailable."""
        if self.to is None:
            return None
        counts = {name: event.data.get(name, "") for name in ("failed", "accounts", "sources")}
        values = {"time": time_in_words(event.occurred_at, None, "en"), "ip_address": event.ip_address or "", **counts}
        return await self.send_mail(MailKind.CREDENTIAL_STUFFING, event, self.to, None, values)
