"""Say that an account that has one's address, or is to have it, is not one's own."""

from dataclasses import dataclass

from application.accounts.erase_account import EraseAccount, without_a_trace
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.recovery.ports import OneTimeTokenCodec, OneTimeTokenRepository
from application.recovery.refuse_token import RefuseToken
from application.sign_ups.reject_sign_up import RejectSignUp
from domain.errors import FieldCheck
from domain.recovery.events import email_change_rejected
from domain.recovery.one_time_token import PROVES_AN_ADDRESS, TokenPurpose, token_refused


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectEmailVerification:
    """End an account that somebody made with an address that is not theirs, and that was never proven.

    Where the address was to be another account's, that is off.
    """

    codec: OneTimeTokenCodec
    tokens: OneTimeTokenRepository
    unit_of_work: UnitOfWorkFactory
    erase_account: EraseAccount
    reject_sign_up: RejectSignUp

    async def __call__(self, token_text: str, origin: Origin) -> None:
        """Raises InvalidInput, also once the address has been proven; ServiceUnavailable.

        An account that was to have the address stays as it is. Whoever rejects is no user of ours: of where they did
        it from nothing is kept.
        """
        check = FieldCheck()
        token = check.required("token", self.codec.parse, token_text)
        check.raise_if_any()
        if token.purpose is TokenPurpose.SIGN_UP:
            await self.reject_sign_up(token, without_a_trace(origin))
            return
        redeemable = await self.tokens.redeemable(token) if token.purpose in PROVES_AN_ADDRESS else None
        if redeemable is None:
            await RefuseToken(self.unit_of_work)(token, without_a_trace(origin))
        work = self.unit_of_work(without_a_trace(origin))
        work.one_time_tokens.spend(token)
        if redeemable.email_change:
            work.email_changes.drop_of(redeemable.user.id)
            work.record(email_change_rejected(redeemable.user.id, redeemable.email_change.id))
            await work.commit()
            return
        if redeemable.user.email_verified:
            raise token_refused()
        await self.erase_account(redeemable.user, work)
