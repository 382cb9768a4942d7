"""Set a new password by a link."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from application.credentials.new_password import NewPasswordJudge
from application.credentials.ports import PasswordHasher
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.recovery.ports import OneTimeToken, OneTimeTokenCodec, OneTimeTokenRepository, Redeemable
from application.recovery.refuse_token import RefuseToken
from domain.credentials.errors import WrongPassword
from domain.credentials.password import Password, PasswordPolicy
from domain.errors import FieldCheck
from domain.recovery.events import email_verified, password_reset
from domain.recovery.one_time_token import (
    ENDED_BY_A_NEW_PASSWORD,
    PASSWORD_RESETS,
    TokenPurpose,
    invalid_token,
    token_refused,
)
from domain.sessions.session import EndReason


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PasswordReset:
    """The token of the link and the new password, as typed."""

    token: str
    new_password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPasswordReset:
    """Replace the password of whom the token was made for. It signs everybody out and nobody in (P02, P07)."""

    codec: OneTimeTokenCodec
    tokens: OneTimeTokenRepository
    unit_of_work: UnitOfWorkFactory
    hasher: PasswordHasher
    judge: NewPasswordJudge
    policy: PasswordPolicy

    async def __call__(self, reset: PasswordReset, origin: Origin) -> None:
        """Raises InvalidInput, and the token is as good as before; ServiceUnavailable."""
        token, new = self._parse(reset)
        redeemable = await self.tokens.redeemable(token)
        if redeemable is None:
            await RefuseToken(self.unit_of_work)(token, origin)
        check = FieldCheck()
        check.required("new_password", partial(self.judge.refuse_weak, own_words=redeemable.user.own_words), new)
        check.raise_if_any()
        await self._replace(token, redeemable, await self.hasher.hash(new), origin)

    def refuse_fields(self, given: Mapping[str, Any]) -> None:
        """Raises InvalidInput for what is wrong with those fields of a reset, and with those it lacks."""
        self._parse(PasswordReset(**{"token": "", "new_password": "", **given}))

    def _parse(self, reset: PasswordReset) -> tuple[OneTimeToken, Password]:
        check = FieldCheck()
        token = check.required("token", self._parse_token, reset.token)
        new = check.required("new_password", self.policy.parse, reset.new_password)
        check.raise_if_any()
        return token, new

    def _parse_token(self, text: str) -> OneTimeToken:
        token = self.codec.parse(text)
        if token.purpose not in PASSWORD_RESETS:
            raise invalid_token()
        return token

    async def _replace(self, token: OneTimeToken, redeemable: Redeemable, password_hash: str, origin: Origin) -> None:
        user = redeemable.user
        work = self.unit_of_work(origin)
        work.one_time_tokens.spend(token)
        # Of the other kinds, too: that of an operator's link, handed to whoever asked for it, must not outlive this.
        work.one_time_tokens.revoke_all_of(user.id, ENDED_BY_A_NEW_PASSWORD)
        work.email_changes.drop_of(user.id)
        work.credentials.replace(redeemable.credential, password_hash)
        work.sessions.end_all_of(user.id, EndReason.PASSWORD_RESET)
        if token.purpose is TokenPurpose.PASSWORD_RESET and not user.email_verified:
            # The link was in that mailbox, so the account is its owner's, whoever signed up with the address (S16).
            work.photos.release_of(user.id)
            work.accounts.prove_email(user.id, keep_profile=False)
            # Or "this was not me", begun before, would end an account that has been proven meanwhile.
            work.one_time_tokens.revoke_all_of(user.id, {TokenPurpose.EMAIL_VERIFICATION})
            work.record(email_verified(user.id))
        work.record(password_reset(user.id))
        try:
            await work.commit()
        except WrongPassword:
            # The password was changed since the token was looked at, which ended the token.
            raise token_refused() from None
