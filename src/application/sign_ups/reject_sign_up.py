"""Say that a sign-up with one's address was not one's own."""

from dataclasses import dataclass

from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.recovery.ports import OneTimeToken
from application.recovery.refuse_token import RefuseToken
from application.sign_ups.ports import SignUps
from domain.accounts.pending_sign_up import sign_up_rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectSignUp:
    """It waits no longer, also where its address is an account's by now; the mailbox is proof enough to end it."""

    sign_ups: SignUps
    unit_of_work: UnitOfWorkFactory

    async def __call__(self, token: OneTimeToken, origin: Origin) -> None:
        """Raises InvalidInput, ServiceUnavailable."""
        sign_up = await self.sign_ups.waiting(token)
        if sign_up is None:
            await RefuseToken(self.unit_of_work)(token, origin)
        work = self.unit_of_work(origin)
        work.sign_ups.drop(token)
        work.record(sign_up_rejected(sign_up.id))
        await work.commit()
