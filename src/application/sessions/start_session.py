"""Open a session for a user whose authentication is complete."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from application.credentials.ports import PasswordHasher
from application.origin import Origin
from application.ports import IdGenerator, UnitOfWorkFactory
from application.sessions.ports import (
    AccessTokenIssuer,
    DeviceDescriber,
    DeviceTokens,
    LiveSession,
    LogInAttempt,
    RefreshTokens,
)
from application.sessions.signed_in import SignedIn, signed_in
from domain.accounts.user import User
from domain.credentials.password import Password, PasswordCredential
from domain.errors import ServiceUnavailable
from domain.sessions.events import session_started
from domain.sessions.known_device import KnownDevice
from domain.sessions.session import Authentication, Session, SessionLifetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """Who passed every step of a sign-in, by which credential, and how long they want to stay."""

    attempt: LogInAttempt
    user: User
    credential: PasswordCredential
    password: Password
    methods: Sequence[str]
    remember: bool
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSession:
    """Always a session and tokens of its own, none of it taken from the client (L09)."""

    unit_of_work: UnitOfWorkFactory
    refresh_tokens: RefreshTokens
    issuer: AccessTokenIssuer
    hasher: PasswordHasher
    new_id: IdGenerator
    lifetimes: Mapping[bool, SessionLifetime]
    """By ``remember``."""
    client_id: str
    devices: DeviceDescriber
    device_tokens: DeviceTokens
    sessions_per_user: int
    """How many may be live at once; the one used least recently makes room (O09)."""

    async def __call__(self, who: Authenticated) -> SignedIn:
        """Raises InvalidCredentials when the password was changed or the user disabled meanwhile."""
        session = self._session(who, await self.devices.describe(who.origin.user_agent))
        token = self.refresh_tokens.first(session.id)
        work = self.unit_of_work(who.origin)
        work.sessions.start(session, token, who.credential, at_most=self.sessions_per_user)
        work.attempts.prove(who.attempt)
        work.record(session_started(session))
        await work.commit()
        await self._rehash_if_outdated(who)
        live = LiveSession(user=who.user, session=session, now=who.attempt.now)
        return signed_in(live, token.text, self.issuer, self.device_tokens.issue(self._device(who)))

    def _device(self, who: Authenticated) -> KnownDevice:
        """From now on known to the account by that password (L06). One that was known goes on by its id."""
        return KnownDevice(
            id=who.attempt.device_id or self.new_id(),
            user_id=who.user.id,
            credential_version=who.credential.version,
            made_at=who.attempt.now,
        )

    def _session(self, who: Authenticated, device: str | None) -> Session:
        now = who.attempt.now
        authentication = Authentication(auth_time=now, methods=tuple(who.methods), client_id=self.client_id)
        return Session.start(
            session_id=self.new_id(),
            user_id=who.user.id,
            authentication=authentication,
            lifetime=self.lifetimes[who.remember],
            ip_address=who.origin.ip_address,
            user_agent=who.origin.user_agent,
            device=device,
            now=now,
        )

    async def _rehash_if_outdated(self, who: Authenticated) -> None:
        """L11: only here is the password at hand that a better hash needs."""
        if not self.hasher.is_outdated(who.credential.password_hash):
            return
        work = self.unit_of_work(who.origin)
        # The session stands already. Should this fail for lack of time, the next sign-in tries again.
        with suppress(ServiceUnavailable):
            work.credentials.rehash(who.credential, await self.hasher.hash(who.password))
            await work.commit()
