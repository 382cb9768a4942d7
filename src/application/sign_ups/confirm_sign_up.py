"""Make an account of a sign-up that waited for its address."""

from dataclasses import dataclass

from application.credentials.ports import PasswordHasher
from application.origin import Origin
from application.ports import IdGenerator, UnitOfWorkFactory
from application.recovery.ports import OneTimeToken
from application.recovery.refuse_token import RefuseToken
from application.sign_ups.ports import ConfirmationAttempt, SignUpConfirmations, SignUps
from domain.accounts.events import user_registered
from domain.accounts.pending_sign_up import PendingSignUp
from domain.accounts.user import User
from domain.credentials.password import Password
from domain.errors import Overloaded
from domain.recovery.events import email_verified
from domain.sessions.errors import AuthenticationRequired, InvalidCredentials
from domain.sessions.events import log_in_failed


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmSignUp:
    """Have the mailbox and the password proven by one person: a stranger has the one, the victim the other (S16)."""

    sign_ups: SignUps
    confirmations: SignUpConfirmations
    hasher: PasswordHasher
    unit_of_work: UnitOfWorkFactory
    new_id: IdGenerator

    async def __call__(self, token: OneTimeToken, password: Password | None, origin: Origin) -> User:
        """The account, its address proven.

        Raises InvalidInput, AuthenticationRequired without a password, InvalidCredentials, TooManyAttempts,
        ServiceUnavailable.
        """
        sign_up = await self.sign_ups.redeemable(token)
        if sign_up is None:
            await RefuseToken(self.unit_of_work)(token, origin)
        if password is None:
            raise AuthenticationRequired
        attempt = await self._verified(sign_up, password, origin)
        user = sign_up.user(attempt.now)
        work = self.unit_of_work(origin)
        work.sign_ups.complete(token, user, sign_up.credential(self.new_id(), attempt.now))
        work.attempts.prove(attempt)
        work.record(user_registered(user))
        work.record(email_verified(user.id))
        await work.commit()
        return user

    async def _verified(self, sign_up: PendingSignUp, password: Password, origin: Origin) -> ConfirmationAttempt:
        """A wrong password counts for this sign-up alone: what counts at sign-in, strangers move, too (L06)."""
        attempt = await self.confirmations.open(sign_up, origin)
        work = self.unit_of_work(origin)
        try:
            matches = await self.hasher.verify(password, sign_up.password_hash)
        except Overloaded:
            work.attempts.forgive(attempt)
            await work.commit()
            raise
        if not matches:
            work.record(log_in_failed(None, attempt.identifier_digest))
            await work.commit()
            raise InvalidCredentials
        return attempt
