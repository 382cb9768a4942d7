"""Write to somebody, within limits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from application.mail.ports import Mail, MailAllowance, Mailer, MailWriter
from domain.accounts.identifiers import EmailAddress
from domain.errors import TooManyAttempts
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind, language_of

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMail:
    """What every subscriber that writes mail ends in."""

    mailer: Mailer
    writer: MailWriter
    allowance: MailAllowance

    async def __call__(
        self, kind: MailKind, event: RecordedEvent, to: EmailAddress, locale: str | None, values: Values
    ) -> str | None:
        """``None`` when it is sent, or when the recipient has had enough of that kind for now (P08).

        Else why it never will be. The id is that of event and kind. Raises ServiceUnavailable; ``or_put_off`` also
        TooManyAttempts.
        """
        if not await self.allowance.take(to, kind):
            return None
        async with self._counted(to, kind):
            return await self._send(kind, event, to, locale, values)

    async def or_put_off(
        self,
        kind: MailKind,
        event: RecordedEvent,
        to: EmailAddress,
        locale: str | None,
        values: Callable[[], Awaitable[Values | None]],
    ) -> str | None:
        """The same for a mail that no other of its kind stands for: where the recipient has had enough, it is put off.

        ``values`` is asked once the mail is admitted, and gives ``None`` when there is nothing to write about any more.
        """
        if not await self.allowance.take(to, kind):
            raise TooManyAttempts
        async with self._counted(to, kind):
            if given := await values():
                return await self._send(kind, event, to, locale, given)
        await self.allowance.give_back(to, kind)
        return None

    @asynccontextmanager
    async def _counted(self, to: EmailAddress, kind: MailKind) -> AsyncIterator[None]:
        """Also when it took too long: a server that is slow is not to use up what its recipients may be sent."""
        try:
            yield
        except BaseException:
            await self.allowance.give_back(to, kind)
            raise

    async def _send(
        self, kind: MailKind, event: RecordedEvent, to: EmailAddress, locale: str | None, values: Values
    ) -> str | None:
        content = self.writer.write(kind, language_of(locale), values)
        return await self.mailer.send(Mail(id=f"{event.id}.{kind.value}", to=to, content=content))
