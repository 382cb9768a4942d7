"""Things to test with, whole by default; a test names only what it is about."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import uuid_utils.compat

from application.accounts.ports import OpenRegistration
from application.origin import NOWHERE, Origin
from application.sessions.ports import Caller, CountedAttempt, LogInAttempt
from domain.accounts.events import user_registered
from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile
from domain.accounts.user import User
from domain.credentials.password import PasswordCredential
from domain.sessions.errors import InvalidRefreshToken
from domain.sessions.events import session_started
from domain.sessions.known_device import KnownDevice
from domain.sessions.session import Authentication, Session, SessionLifetime
from tests.support.fakes import TODAY, FakeDeviceTokens, FakeRefreshTokens, parse_email
from tests.support.world import StoredSession, World

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SHORT = SessionLifetime(idle=timedelta(hours=1), absolute=timedelta(hours=24))
ADA = Origin(ip_address="203.0.113.7", user_agent="Ada's browser", request_id="request-of-ada")
MALLORY = Origin(ip_address="198.51.100.66", user_agent="curl", request_id="request-of-mallory")

_numbers = count(1)


def new_id() -> UUID:
    return uuid_utils.compat.uuid7()


def fresh_name() -> str:
    """A username nobody has had."""
    return f"Person-{next(_numbers)}"


def user_named(name: str, *, email: str | None = None, now: datetime = NOON) -> User:
    return User.register(
        user_id=new_id(),
        email=parse_email(email or f"{name}@Example.COM"),
        username=Username.parse(name),
        profile=Profile(given_name="Ada", zoneinfo="Europe/London"),
        now=now,
    )


def credential_of(user: User, *, password_hash: str = TODAY + "the password of ada") -> PasswordCredential:
    return PasswordCredential(
        id=new_id(), user_id=user.id, password_hash=password_hash, version=1, created_at=user.created_at
    )


def session_of(
    user_id: UUID, *, now: datetime = NOON, lifetime: SessionLifetime = SHORT, origin: Origin = ADA
) -> Session:
    return Session.start(
        session_id=new_id(),
        user_id=user_id,
        authentication=Authentication(auth_time=now, methods=("pwd",), client_id="first-party"),
        lifetime=lifetime,
        ip_address=origin.ip_address,
        user_agent=origin.user_agent,
        now=now,
    )


@dataclass(frozen=True)
class Account:
    """An account that is in the store."""

    user: User
    credential: PasswordCredential

    @property
    def email(self) -> EmailAddress:
        return self.user.email


async def open_registration(world: World, user: User, origin: Origin = NOWHERE) -> OpenRegistration:
    return await world.registrations.open(user.email, user.username, origin)


async def registered(world: World, name: str | None = None, *, email: str | None = None) -> Account:
    """Somebody signs up."""
    user = user_named(name or fresh_name(), email=email)
    now = (await open_registration(world, user)).now
    user = replace(user, created_at=now, updated_at=now)
    account = Account(user, credential_of(user))
    await add(world, account)
    return account


async def add(world: World, account: Account, origin: Origin = NOWHERE) -> None:
    work = world.unit_of_work(origin)
    work.accounts.add(account.user, account.credential)
    work.record(user_registered(account.user))
    await work.commit()


async def attempt_by_email(world: World, account: Account, origin: Origin = NOWHERE) -> LogInAttempt:
    return await world.attempts.open(account.email, account.email.original, origin)


async def forgive(world: World, attempt: CountedAttempt) -> None:
    work = world.unit_of_work(NOWHERE)
    work.attempts.forgive(attempt)
    await work.commit()


async def prove(world: World, attempt: LogInAttempt) -> None:
    work = world.unit_of_work(NOWHERE)
    work.attempts.prove(attempt)
    await work.commit()


def device_of(
    account: Account,
    *,
    version: int = 1,
    made_at: datetime | None = None,
    ip_address: str | None = None,
    device_id: UUID | None = None,
) -> Origin:
    """Where somebody asks from who has the token of a device that is known to the account."""
    device = KnownDevice(
        id=device_id or new_id(),
        user_id=account.user.id,
        credential_version=version,
        made_at=made_at or datetime.now(UTC) + timedelta(days=3650),
    )
    return Origin(ip_address=ip_address, device_token=FakeDeviceTokens().issue(device).text)


@dataclass(frozen=True)
class Device:
    """Where somebody is signed in, with the first refresh token. ``refresh`` presents one and gives the answer."""

    world: World
    tokens: FakeRefreshTokens
    session: Session
    first_token: str

    @property
    def caller(self) -> Caller:
        return Caller(user_id=self.session.user_id, session_id=self.session.id)

    async def refresh(self, token: str, origin: Origin = ADA) -> str | None:
        presented = self.tokens.parse(token)
        refreshed = await self.world.sessions.refresh(
            presented, self.tokens.digest(presented), self.tokens.successor(presented), origin
        )
        return None if refreshed is None else self.tokens.unseal(presented, refreshed.sealed)

    async def rotate(self, token: str) -> str:
        successor = await self.refresh(token)
        if successor is None:
            raise InvalidRefreshToken
        return successor

    async def row(self) -> StoredSession:
        stored = await self.world.session_row(self.session.id)
        if stored is None:
            raise LookupError(self.session.id)
        return stored

    async def is_live(self) -> bool:
        return await self.world.sessions.live(self.caller) is not None


async def signed_in(
    world: World,
    account: Account,
    *,
    lifetime: SessionLifetime = SHORT,
    at_most: int | None = None,
    origin: Origin = ADA,
) -> Device:
    """Somebody signs in."""
    attempt = await attempt_by_email(world, account)
    session = session_of(account.user.id, now=attempt.now, lifetime=lifetime, origin=origin)
    tokens = FakeRefreshTokens()
    first = tokens.first(session.id)
    work = world.unit_of_work(origin)
    work.sessions.start(session, first, account.credential, at_most=at_most)
    work.attempts.forgive(attempt)
    work.record(session_started(session))
    await work.commit()
    return Device(world=world, tokens=tokens, session=session, first_token=first.text)
