"""All use cases over a store in memory, with stand-ins that can be asked what they were used for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from application.accounts.register_user import RegisterUser, Registration
from application.accounts.view_profile import ViewProfile
from application.origin import Origin
from application.sessions.log_in import LogIn, LogInRequest, LogInStep, StepRequired, VerifyPassword
from application.sessions.log_out import LogOut
from application.sessions.ports import Caller
from application.sessions.refresh_session import RefreshSession
from application.sessions.signed_in import SignedIn
from application.sessions.start_session import StartSession
from application.sessions.view_session import ViewSession
from domain.accounts.signup_policy import OPEN, SignupPolicy
from domain.accounts.user import User
from domain.credentials.password import PasswordPolicy
from domain.sessions.session import SessionLifetime
from tests.support.builders import ADA, SHORT, new_id
from tests.support.fakes import FakeEstimator, FakeHasher, FakeIssuer, FakeRefreshTokens, parse_email
from tests.support.memory import MemoryWorld

LONG = SessionLifetime(idle=timedelta(days=14), absolute=timedelta(days=90))
PASSWORD = "the password of ada"


def registration(**changes: str | None) -> Registration:
    given = {"email": "Ada@Example.com", "username": "Ada", "password": PASSWORD}
    return Registration(**(given | changes))  # type: ignore[arg-type]  # the tests name fields, the type checks the rest


@dataclass
class Service:
    """``world`` is what it writes to."""

    world: MemoryWorld = field(default_factory=MemoryWorld)
    hasher: FakeHasher = field(default_factory=FakeHasher)
    estimator: FakeEstimator = field(default_factory=FakeEstimator)
    issuer: FakeIssuer = field(default_factory=FakeIssuer)
    tokens: FakeRefreshTokens = field(default_factory=FakeRefreshTokens)
    signup: SignupPolicy = OPEN

    @property
    def register_user(self) -> RegisterUser:
        return RegisterUser(
            registrations=self.world.registrations,
            unit_of_work=self.world.unit_of_work,
            hasher=self.hasher,
            estimator=self.estimator,
            parse_email=parse_email,
            new_id=new_id,
            policy=PasswordPolicy(),
            signup=self.signup,
            time_zones={"Europe/Paris", "UTC"},
        )

    @property
    def start_session(self) -> StartSession:
        return StartSession(
            unit_of_work=self.world.unit_of_work,
            refresh_tokens=self.tokens,
            issuer=self.issuer,
            hasher=self.hasher,
            new_id=new_id,
            lifetimes={False: SHORT, True: LONG},
            client_id="first-party",
        )

    @property
    def verify_password(self) -> VerifyPassword:
        return VerifyPassword(hasher=self.hasher, unit_of_work=self.world.unit_of_work)

    def log_in_by(self, steps: Sequence[LogInStep]) -> LogIn:
        return LogIn(
            attempts=self.world.attempts, parse_email=parse_email, steps=steps, start_session=self.start_session
        )

    @property
    def refresh_session(self) -> RefreshSession:
        return RefreshSession(refresh_tokens=self.tokens, sessions=self.world.sessions, issuer=self.issuer)

    @property
    def log_out(self) -> LogOut:
        return LogOut(self.world.unit_of_work)

    @property
    def view_profile(self) -> ViewProfile:
        return ViewProfile(self.world.sessions)

    @property
    def view_session(self) -> ViewSession:
        return ViewSession(self.world.sessions)

    async def sign_up(self, **changes: str | None) -> User:
        return await self.register_user(registration(**changes), ADA)

    async def try_to_sign_in(
        self, identifier: str = "Ada", password: str = PASSWORD, *, remember: bool = False, origin: Origin = ADA
    ) -> SignedIn | StepRequired:
        request = LogInRequest(identifier=identifier, password=password, remember=remember)
        return await self.log_in_by([self.verify_password])(request, origin)

    async def sign_in(self, identifier: str = "Ada", *, remember: bool = False, origin: Origin = ADA) -> SignedIn:
        result = await self.try_to_sign_in(identifier, remember=remember, origin=origin)
        if isinstance(result, StepRequired):
            raise TypeError(result)
        return result

    async def event_types(self) -> list[str]:
        return [event.type for event in await self.world.events()]


def caller_of(signed_in: SignedIn) -> Caller:
    return Caller(user_id=signed_in.user.id, session_id=signed_in.session.id)
