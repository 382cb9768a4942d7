"""Change one's own password."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from application.credentials.confirm_password import ConfirmPassword
from application.credentials.new_password import NewPasswordJudge
from application.credentials.ports import PasswordHasher, ReauthenticationAttempt, Reauthentications
from application.origin import Origin
from application.ports import IdGenerator, UnitOfWorkFactory
from application.sessions.ports import (
    AccessTokenIssuer,
    Caller,
    DeviceDescriber,
    DeviceTokens,
    LiveSession,
    RefreshTokens,
)
from application.sessions.require_verified_email import RequireVerifiedEmail
from application.sessions.signed_in import SignedIn, signed_in
from domain.credentials.errors import WrongPassword
from domain.credentials.events import password_changed
from domain.credentials.password import Password, PasswordCredential, PasswordPolicy
from domain.errors import DomainError, FieldCheck, InvalidValue, Overloaded
from domain.recovery.one_time_token import ENDED_BY_A_NEW_PASSWORD
from domain.sessions.errors import InvalidCredentials
from domain.sessions.events import session_ended, session_renewed
from domain.sessions.known_device import KnownDevice
from domain.sessions.session import EndReason


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PasswordChange:
    """The password as it is and as it is to be, as typed."""

    current: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePassword:
    """Replace the password. The caller goes on in a new session, and nobody else in any (P01, P02)."""

    reauthentications: Reauthentications
    confirm_password: ConfirmPassword
    require_verified_email: RequireVerifiedEmail
    unit_of_work: UnitOfWorkFactory
    hasher: PasswordHasher
    judge: NewPasswordJudge
    policy: PasswordPolicy
    refresh_tokens: RefreshTokens
    issuer: AccessTokenIssuer
    new_id: IdGenerator
    devices: DeviceDescriber
    device_tokens: DeviceTokens

    async def __call__(self, caller: Caller, change: PasswordChange, origin: Origin) -> SignedIn:
        """Raises InvalidInput, InvalidAccessToken, WrongPassword, EmailNotVerified, TooManyAttempts.

        ServiceUnavailable as well.
        """
        current, new = self._parse(change)
        attempt = await self.reauthentications.open(caller, origin)
        await self._judge(new, attempt, origin)
        credential = await self.confirm_password(attempt, current, origin)
        # The session it opens has a whole lifetime before it, or changing passwords would be a way to stay for ever.
        await self.require_verified_email(attempt.live.user, attempt, origin)
        return await self._replace(attempt, credential, await self._hash(new, attempt, origin), origin)

    def refuse_fields(self, given: Mapping[str, Any]) -> None:
        """Raises InvalidInput for what is wrong with those fields of a change, and with those it lacks."""
        self._parse(PasswordChange(current=given.get("current_password", ""), new=given.get("new_password", "")))

    def _parse(self, change: PasswordChange) -> tuple[Password, Password]:
        check = FieldCheck()
        current = check.required("current_password", Password.given, change.current)
        new = check.required("new_password", self.policy.parse, change.new)
        check.raise_if_any()
        # Of what was typed alone, so that it tells nothing of the password that is kept.
        check.required("new_password", partial(_refuse_unchanged, current), new)
        check.raise_if_any()
        return current, new

    async def _judge(self, new: Password, attempt: ReauthenticationAttempt, origin: Origin) -> None:
        """Before the hashing, which costs more. Nobody guessed anything, so the attempt is given back."""
        check = FieldCheck()
        try:
            check.required("new_password", partial(self.judge.refuse_weak, own_words=attempt.live.user.own_words), new)
            check.raise_if_any()
        except DomainError:
            work = self.unit_of_work(origin)
            work.attempts.forgive(attempt)
            await work.commit()
            raise

    async def _hash(self, new: Password, attempt: ReauthenticationAttempt, origin: Origin) -> str:
        try:
            return await self.hasher.hash(new)
        except Overloaded:
            # The current password was right: a storm must not use up its owner's attempts.
            work = self.unit_of_work(origin)
            work.attempts.prove(attempt)
            await work.commit()
            raise

    async def _replace(
        self, attempt: ReauthenticationAttempt, credential: PasswordCredential, password_hash: str, origin: Origin
    ) -> SignedIn:
        user, old, now = attempt.live.user, attempt.live.session, attempt.live.now
        session = old.succeeded_by(
            self.new_id(),
            methods=("pwd",),
            ip_address=origin.ip_address,
            user_agent=origin.user_agent,
            device=await self.devices.describe(origin.user_agent),
            now=now,
        )
        token = self.refresh_tokens.first(session.id)
        work = self.unit_of_work(origin)
        work.sessions.end(Caller(user_id=user.id, session_id=old.id), EndReason.PASSWORD_CHANGED)
        work.sessions.end_all_of(user.id, EndReason.PASSWORD_CHANGED, but=old.id)
        # Before the version grows: it is the old one that was proven.
        work.sessions.start(session, token, credential)
        work.credentials.replace(credential, password_hash)
        work.one_time_tokens.revoke_all_of(user.id, ENDED_BY_A_NEW_PASSWORD)
        work.email_changes.drop_of(user.id)
        work.attempts.prove(attempt)
        work.record(session_ended(old.id, user.id, EndReason.PASSWORD_CHANGED))
        work.record(password_changed(user.id, old.id))
        work.record(session_renewed(session, EndReason.PASSWORD_CHANGED))
        try:
            await work.commit()
        except InvalidCredentials:
            raise WrongPassword from None
        # The tokens of all devices died with the old password; this one is known by the new.
        device = KnownDevice(id=self.new_id(), user_id=user.id, credential_version=credential.version + 1, made_at=now)
        live = LiveSession(user=user, session=session, now=now)
        return signed_in(live, token.text, self.issuer, self.device_tokens.issue(device))


def _refuse_unchanged(current: Password, new: Password) -> None:
    if new == current:
        raise InvalidValue("password_unchanged", "The new password is the one you have.")
