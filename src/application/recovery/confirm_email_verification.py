"""Confirm that an address is the account's, or that it is to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.credentials.ports import PasswordHasher
from application.origin import Origin
from application.ports import UnitOfWork, UnitOfWorkFactory
from application.recovery.ports import OneTimeToken, OneTimeTokenCodec, OneTimeTokenRepository
from application.recovery.refuse_token import RefuseToken
from application.sessions.ports import Caller, LogInAttempt, LogInAttempts
from application.sign_ups.confirm_sign_up import ConfirmSignUp
from domain.accounts.user import User
from domain.credentials.password import Password
from domain.errors import FieldCheck, Overloaded
from domain.recovery.email_change import EmailChange
from domain.recovery.events import email_changed, email_verified
from domain.recovery.one_time_token import (
    ENDED_BY_A_NEW_EMAIL,
    PROVES_AN_ADDRESS,
    TokenPurpose,
    invalid_token,
)
from domain.sessions.errors import AuthenticationRequired, InvalidAccessToken, InvalidCredentials
from domain.sessions.events import log_in_failed


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EmailVerification:
    """The token of the link, and the account's password, if no access token says whose it is."""

    token: str
    password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmEmailVerification:
    """Have the mailbox and the account proven by one and the same person.

    The link alone proves nothing: whoever signs up with somebody else's address would have it proven by the click of
    its owner, and keep an account that others take for the owner's (S16).
    """

    codec: OneTimeTokenCodec
    tokens: OneTimeTokenRepository
    attempts: LogInAttempts
    hasher: PasswordHasher
    unit_of_work: UnitOfWorkFactory
    confirm_sign_up: ConfirmSignUp

    async def __call__(self, given: EmailVerification, caller: Caller | None, origin: Origin) -> User:
        """The account, its address proven.

        Raises InvalidInput, AuthenticationRequired without a caller and a password, InvalidAccessToken for another
        account's, InvalidCredentials, TooManyAttempts, ServiceUnavailable; EmailTaken for a new address that became
        another account's meanwhile.
        """
        token, password = self._parse(given)
        if token.purpose is TokenPurpose.SIGN_UP:
            return await self.confirm_sign_up(token, password, origin)
        redeemable = await self.tokens.redeemable(token)
        if redeemable is None:
            await RefuseToken(self.unit_of_work)(token, origin)
        work = self.unit_of_work(origin)
        await self._prove(redeemable.user, caller, password, work, origin)
        work.one_time_tokens.spend(token)
        if redeemable.email_change:
            self._change(redeemable.user, redeemable.email_change, work)
        else:
            work.accounts.prove_email(redeemable.user.id)
            work.record(email_verified(redeemable.user.id))
        await work.commit()
        return redeemable.user.reached_at(redeemable.email)

    def refuse_fields(self, given: Mapping[str, Any]) -> None:
        """Raises InvalidInput for what is wrong with those fields of a confirmation, and with those it lacks."""
        self._parse(EmailVerification(**{"token": "", "password": None, **given}))

    def _parse(self, given: EmailVerification) -> tuple[OneTimeToken, Password | None]:
        check = FieldCheck()
        token = check.required("token", self._parse_token, given.token)
        password = check.optional("password", Password.given, given.password)
        check.raise_if_any()
        return token, password

    def _parse_token(self, text: str) -> OneTimeToken:
        token = self.codec.parse(text)
        if token.purpose not in PROVES_AN_ADDRESS | {TokenPurpose.SIGN_UP}:
            raise invalid_token()
        return token

    def _change(self, user: User, change: EmailChange, work: UnitOfWork) -> None:
        work.email_changes.apply(user.id, change)
        work.one_time_tokens.revoke_all_of(user.id, ENDED_BY_A_NEW_EMAIL)
        work.record(email_changed(user.id, change.id))

    async def _prove(
        self, user: User, caller: Caller | None, password: Password | None, work: UnitOfWork, origin: Origin
    ) -> None:
        if caller is not None:
            if caller.user_id != user.id:
                raise InvalidAccessToken
            work.sessions.require_live(caller)
        elif password is None:
            raise AuthenticationRequired
        else:
            work.attempts.prove(await self._verified(user, password, origin))

    async def _verified(self, user: User, password: Password, origin: Origin) -> LogInAttempt:
        """A wrong password counts as it does at sign-in (L08), or this would be the way around."""
        attempt = await self.attempts.open(user.email, user.email.canonical, origin)
        credential = attempt.credential
        try:
            matches = await self.hasher.verify(password, credential.password_hash if credential else None)
        except Overloaded:
            work = self.unit_of_work(origin)
            work.attempts.forgive(attempt)
            await work.commit()
            raise
        if not matches or attempt.user is None or attempt.user.id != user.id:
            work = self.unit_of_work(origin)
            work.record(log_in_failed(user.id, attempt.identifier_digest))
            await work.commit()
            raise InvalidCredentials
        return attempt
