"""Make a token for the mail that it travels in."""

from dataclasses import dataclass
from datetime import timedelta

from application.origin import NOWHERE
from application.ports import UnitOfWorkFactory
from application.recovery.ports import NewOneTimeToken, OneTimeTokenCodec
from application.recovery.unsent_tokens import UnsentTokens
from domain.accounts.identifiers import EmailAddress
from domain.accounts.user import User
from domain.errors import InvalidInput
from domain.events import RecordedEvent
from domain.recovery.one_time_token import TokenPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueToken:
    """Makes a token when its mail is written.

    So it is kept nowhere before, and a mail that waited for its server still gives all of its time. A mail that is
    tried again brings the same token, one that is sent again after a crash another; the one before is as good.
    """

    codec: OneTimeTokenCodec
    unit_of_work: UnitOfWorkFactory
    unsent: UnsentTokens

    async def __call__(
        self,
        event: RecordedEvent,
        purpose: TokenPurpose,
        user: User,
        lifetime: timedelta,
        *,
        to: EmailAddress | None = None,
    ) -> str:
        """Its text, good at the address it is mailed ``to``: the user's by default, as it was when they were read.

        So it proves no other, should the address change meanwhile (P11). Until the mail about ``event`` is settled it
        is the same. Raises UserNotFound, ServiceUnavailable.
        """
        at = to or user.email
        new = self.unsent.find(event, purpose, at)
        if new is None or not await self._renewed(new, lifetime):
            new = self.codec.new(purpose)
            # Before it is written: whether that was done may not be known either.
            self.unsent.keep(event, at, new)
            await self._issue(new, user, lifetime, at)
        return new.text

    def settled(self, event: RecordedEvent, purpose: TokenPurpose) -> None:
        """The mail is sent, or never will be."""
        self.unsent.forget(event, purpose)

    async def _renewed(self, new: NewOneTimeToken, lifetime: timedelta) -> bool:
        """Not when the mail had arrived and the token been used, or when it was revoked: it stays good for nothing."""
        work = self.unit_of_work(NOWHERE)
        work.one_time_tokens.renew(new.token, lifetime)
        try:
            await work.commit()
        except InvalidInput:
            return False
        return True

    async def _issue(self, new: NewOneTimeToken, user: User, lifetime: timedelta, to: EmailAddress) -> None:
        work = self.unit_of_work(NOWHERE)
        work.one_time_tokens.issue(new.token, user.id, lifetime, to=to)
        await work.commit()
