"""Make a token for the mail that it travels in."""

from dataclasses import dataclass
from datetime import timedelta

from application.origin import NOWHERE
from application.ports import UnitOfWorkFactory
from application.recovery.ports import OneTimeTokenCodec
from domain.accounts.identifiers import EmailAddress
from domain.accounts.user import User
from domain.recovery.one_time_token import TokenPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueToken:
    """Makes a token when its mail is written.

    So it is kept nowhere before, and a mail that waited for its server still gives all of its time. A mail that is
    sent again after a crash brings another token; the one before is as good.
    """

    codec: OneTimeTokenCodec
    unit_of_work: UnitOfWorkFactory

    async def __call__(
        self, purpose: TokenPurpose, user: User, lifetime: timedelta, *, to: EmailAddress | None = None
    ) -> str:
        """Its text, good at the address it is mailed ``to``: the user's by default, as it was when they were read.

        So it proves no other, should the address change meanwhile (P11). Raises UserNotFound, ServiceUnavailable.
        """
        new = self.codec.new(purpose)
        work = self.unit_of_work(NOWHERE)
        work.one_time_tokens.issue(new.token, user.id, lifetime, to=to or user.email)
        await work.commit()
        return new.text
