"""Write to somebody, within limits."""

from collections.abc import Mapping
from dataclasses import dataclass

from application.mail.ports import Mail, MailAllowance, Mailer, MailWriter
from domain.accounts.identifiers import EmailAddress
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind, language_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMail:
    """What every subscriber that writes mail ends in."""

    mailer: Mailer
    writer: MailWriter
    allowance: MailAllowance

    async def __call__(
        self, kind: MailKind, event: RecordedEvent, to: EmailAddress, locale: str | None, values: Mapping[str, str]
    ) -> str | None:
        """``None`` when it is sent, or when the recipient has had enough of that kind for now (P08).

        Else why it never will be. The id is that of event and kind. Raises ServiceUnavailable.
        """
        if not await self.allowance.take(to, kind):
            return None
        content = self.writer.write(kind, language_of(locale), values)
        try:
            return await self.mailer.send(Mail(id=f"{event.id}.{kind.value}", to=to, content=content))
        except BaseException:
            # Also when it took too long: a server that is slow is not to use up what its recipients may be sent.
            await self.allowance.give_back(to, kind)
            raise
