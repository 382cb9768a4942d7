"""Tell whoever has the address what became of a sign-up with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from uuid import UUID

from application.mail.send_mail import SendMail
from application.origin import NOWHERE
from application.ports import UnitOfWorkFactory
from application.recovery.email_verification_mail import REJECTION_PATH, VERIFICATION_PATH
from application.recovery.ports import OneTimeTokenCodec
from application.recovery.unsent_tokens import UnsentTokens
from application.sign_ups.ports import SignUps
from domain.accounts.errors import UserNotFound
from domain.accounts.pending_sign_up import SIGN_UP_ID, SIGN_UP_LIFETIME, SIGN_UP_REQUESTED, PendingSignUp
from domain.accounts.user import User, UserStatus
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind
from domain.recovery.one_time_token import TokenPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpMail:
    """Mails a link that makes the account, or, where the address has one, that there is nothing to be made.

    Only here do the two differ, where nobody sees it who has not that mailbox (S10).
    """

    name: ClassVar[str] = "sign_up_mail"
    topics: ClassVar[frozenset[str]] = frozenset({SIGN_UP_REQUESTED})

    sign_ups: SignUps
    codec: OneTimeTokenCodec
    unit_of_work: UnitOfWorkFactory
    unsent: UnsentTokens
    send_mail: SendMail
    public_url: str

    async def __call__(self, event: RecordedEvent) -> str | None:
        """See Subscriber. Raises TooManyAttempts, ServiceUnavailable."""
        found = await self.sign_ups.find(UUID(event.data[SIGN_UP_ID]))
        if found is None:
            return None
        if found.owner:
            return await self._taken(event, found.owner)
        return await self._confirm(event, found.sign_up)

    async def _taken(self, event: RecordedEvent, owner: User) -> str | None:
        if owner.status is not UserStatus.ACTIVE:
            return None
        values = {"username": owner.username.original}
        return await self.send_mail(MailKind.SIGN_UP_TAKEN, event, owner.email, owner.profile.locale, values)

    async def _confirm(self, event: RecordedEvent, sign_up: PendingSignUp) -> str | None:
        """Put off for as long as it waits, for no other link confirms it: strangers may have signed up before (S16)."""
        values = partial(self._links, event, sign_up)
        to, locale = sign_up.email, sign_up.profile.locale
        refusal = await self.send_mail.or_put_off(MailKind.CONFIRM_SIGN_UP, event, to, locale, values)
        self.unsent.forget(event, TokenPurpose.SIGN_UP)
        return refusal

    async def _links(self, event: RecordedEvent, sign_up: PendingSignUp) -> Mapping[str, str] | None:
        # The same in each attempt, or a mail server that is away would leave thousands.
        new = self.unsent.find(event, TokenPurpose.SIGN_UP, sign_up.email) or self.codec.new(TokenPurpose.SIGN_UP)
        self.unsent.keep(event, sign_up.email, new)
        work = self.unit_of_work(NOWHERE)
        work.sign_ups.issue(new.token, sign_up.id, SIGN_UP_LIFETIME)
        try:
            await work.commit()
        except UserNotFound:
            return None
        return {
            "username": sign_up.username.original,
            "hours": str(int(SIGN_UP_LIFETIME.total_seconds() // 3600)),
            "link": f"{self.public_url}{VERIFICATION_PATH}?token={new.text}",
            "second_link": f"{self.public_url}{REJECTION_PATH}?token={new.text}",
        }
