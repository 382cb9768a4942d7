"""All use cases over a store in memory, with stand-ins that can be asked what they were used for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from application.accounts.change_profile import ChangeProfile
from application.accounts.delete_own_account import DeleteOwnAccount
from application.accounts.erase_account import EraseAccount
from application.accounts.export_account import ExportAccount
from application.accounts.register_user import RegisterUser
from application.accounts.registration import Registration
from application.accounts.view_profile import ViewProfile
from application.credentials.change_password import ChangePassword
from application.credentials.confirm_password import ConfirmPassword
from application.credentials.new_password import NewPasswordJudge
from application.origin import Origin
from application.photos.discard_photo import DiscardPhoto
from application.photos.remove_photo import RemovePhoto
from application.photos.set_photo import SetPhoto
from application.photos.store_photo import StorePhoto
from application.photos.sweep_photos import SweepPhotos
from application.photos.view_photo import ViewPhoto
from application.recovery.confirm_password_reset import ConfirmPasswordReset
from application.recovery.start_password_reset import StartPasswordReset
from application.sessions.end_all_sessions import EndAllSessions
from application.sessions.end_session import EndSession
from application.sessions.list_sessions import ListSessions
from application.sessions.log_in import (
    LogIn,
    LogInRequest,
    LogInStep,
    StepRequired,
    VerifyPassword,
)
from application.sessions.log_out import LogOut
from application.sessions.ports import Caller
from application.sessions.refresh_session import RefreshSession
from application.sessions.require_verified_email import RequireVerifiedEmail
from application.sessions.signed_in import SignedIn
from application.sessions.start_session import StartSession
from application.sessions.verified_email import VerifiedEmail
from application.sessions.view_session import ViewSession
from application.sign_ups.confirm_sign_up import ConfirmSignUp
from application.sign_ups.request_sign_up import RequestSignUp
from domain.accounts.signup_policy import OPEN, SignupPolicy
from domain.accounts.user import User
from domain.credentials.password import PasswordPolicy
from domain.sessions.session import SessionLifetime
from infrastructure.ids import new_photo_id
from tests.support.builders import ADA, SHORT, new_id
from tests.support.fakes import (
    PROFILE_RULES,
    FakeBreachedPasswords,
    FakeDevices,
    FakeDeviceTokens,
    FakeEstimator,
    FakeHasher,
    FakeIssuer,
    FakeOneTimeTokenCodec,
    FakeRefreshTokens,
    FakeSignupTurns,
    parse_email,
)
from tests.support.memory import MemoryWorld
from tests.support.memory_photos import FakePhotoRenderer, MemoryPhotoStore

LONG = SessionLifetime(idle=timedelta(days=14), absolute=timedelta(days=90))
PASSWORD = "the password of ada"


def registration(**changes: str | bytes | None) -> Registration:
    given: dict[str, str | bytes | None] = {"email": "Ada@Example.com", "username": "Ada", "password": PASSWORD}
    return Registration(**(given | changes))  # type: ignore[arg-type]  # the tests name fields, the type checks the rest


@dataclass
class Service:
    """``world`` is what it writes to."""

    world: MemoryWorld = field(default_factory=MemoryWorld)
    hasher: FakeHasher = field(default_factory=FakeHasher)
    estimator: FakeEstimator = field(default_factory=FakeEstimator)
    breached: FakeBreachedPasswords = field(default_factory=FakeBreachedPasswords)
    issuer: FakeIssuer = field(default_factory=FakeIssuer)
    tokens: FakeRefreshTokens = field(default_factory=FakeRefreshTokens)
    photo_renderer: FakePhotoRenderer = field(default_factory=FakePhotoRenderer)
    photo_store: MemoryPhotoStore = field(default_factory=MemoryPhotoStore)
    turns: FakeSignupTurns = field(default_factory=FakeSignupTurns)
    codec: FakeOneTimeTokenCodec = field(default_factory=FakeOneTimeTokenCodec)
    signup: SignupPolicy = OPEN
    self_deletion: bool = True
    sessions_per_user: int = 50
    verified_email_required: bool = False

    @property
    def register_user(self) -> RegisterUser:
        return RegisterUser(
            registrations=self.world.registrations,
            turns=self.turns,
            unit_of_work=self.world.unit_of_work,
            hasher=self.hasher,
            judge=NewPasswordJudge(estimator=self.estimator, breached=self.breached),
            parse_email=parse_email,
            new_id=new_id,
            policy=PasswordPolicy(),
            signup=self.signup,
            profile_rules=PROFILE_RULES,
            store_photo=self.store_photo,
        )

    @property
    def in_another_process(self) -> "Service":
        """The same service as another process has it: the store is what they share."""
        return replace(self, turns=FakeSignupTurns())

    @property
    def request_sign_up(self) -> RequestSignUp:
        return RequestSignUp(register_user=self.register_user, is_on=True)

    @property
    def confirm_sign_up(self) -> ConfirmSignUp:
        return ConfirmSignUp(
            sign_ups=self.world.sign_ups,
            confirmations=self.world.sign_up_confirmations,
            hasher=self.hasher,
            unit_of_work=self.world.unit_of_work,
            new_id=new_id,
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
            devices=FakeDevices(),
            device_tokens=FakeDeviceTokens(),
            sessions_per_user=self.sessions_per_user,
        )

    @property
    def verify_password(self) -> VerifyPassword:
        return VerifyPassword(hasher=self.hasher, unit_of_work=self.world.unit_of_work)

    @property
    def require_verified_email(self) -> RequireVerifiedEmail:
        return RequireVerifiedEmail(unit_of_work=self.world.unit_of_work, is_on=self.verified_email_required)

    def log_in_by(self, steps: Sequence[LogInStep]) -> LogIn:
        return LogIn(
            attempts=self.world.attempts,
            hasher=self.hasher,
            parse_email=parse_email,
            steps=steps,
            start_session=self.start_session,
        )

    @property
    def refresh_session(self) -> RefreshSession:
        return RefreshSession(refresh_tokens=self.tokens, sessions=self.world.sessions, issuer=self.issuer)

    @property
    def log_out(self) -> LogOut:
        return LogOut(self.world.unit_of_work)

    @property
    def list_sessions(self) -> ListSessions:
        return ListSessions(self.world.sessions)

    @property
    def end_session(self) -> EndSession:
        return EndSession(self.world.unit_of_work)

    @property
    def end_all_sessions(self) -> EndAllSessions:
        return EndAllSessions(self.world.unit_of_work)

    @property
    def change_profile(self) -> ChangeProfile:
        return ChangeProfile(
            sessions=self.world.sessions,
            usernames=self.world.usernames,
            unit_of_work=self.world.unit_of_work,
            rules=PROFILE_RULES,
        )

    @property
    def view_profile(self) -> ViewProfile:
        return ViewProfile(self.world.sessions)

    @property
    def view_session(self) -> ViewSession:
        return ViewSession(self.world.sessions)

    @property
    def store_photo(self) -> StorePhoto:
        return StorePhoto(
            renderer=self.photo_renderer,
            ledger=self.world.photos,
            store=self.photo_store,
            new_photo_id=new_photo_id,
        )

    @property
    def discard_photo(self) -> DiscardPhoto:
        return DiscardPhoto(self.world.photos, self.photo_store)

    @property
    def set_photo(self) -> SetPhoto:
        return SetPhoto(
            sessions=self.world.sessions,
            store_photo=self.store_photo,
            unit_of_work=self.world.unit_of_work,
            discard_photo=self.discard_photo,
        )

    @property
    def remove_photo(self) -> RemovePhoto:
        return RemovePhoto(
            sessions=self.world.sessions, unit_of_work=self.world.unit_of_work, discard_photo=self.discard_photo
        )

    @property
    def view_photo(self) -> ViewPhoto:
        return ViewPhoto(ledger=self.world.photos, store=self.photo_store)

    @property
    def sweep_photos(self) -> SweepPhotos:
        return SweepPhotos(ledger=self.world.photos, discard_photo=self.discard_photo)

    @property
    def confirm_password(self) -> ConfirmPassword:
        return ConfirmPassword(hasher=self.hasher, unit_of_work=self.world.unit_of_work)

    @property
    def change_password(self) -> ChangePassword:
        return ChangePassword(
            reauthentications=self.world.reauthentications,
            confirm_password=self.confirm_password,
            require_verified_email=self.require_verified_email,
            unit_of_work=self.world.unit_of_work,
            hasher=self.hasher,
            judge=NewPasswordJudge(estimator=self.estimator, breached=self.breached),
            policy=PasswordPolicy(),
            refresh_tokens=self.tokens,
            issuer=self.issuer,
            new_id=new_id,
            devices=FakeDevices(),
            device_tokens=FakeDeviceTokens(),
        )

    @property
    def delete_own_account(self) -> DeleteOwnAccount:
        return DeleteOwnAccount(
            sessions=self.world.sessions,
            reauthentications=self.world.reauthentications,
            confirm_password=self.confirm_password,
            unit_of_work=self.world.unit_of_work,
            erase_account=EraseAccount(self.discard_photo),
            is_offered=self.self_deletion,
        )

    @property
    def export_account(self) -> ExportAccount:
        return ExportAccount(self.world.archive, self.world.unit_of_work)

    @property
    def start_password_reset(self) -> StartPasswordReset:
        return StartPasswordReset(
            codec=self.codec, unit_of_work=self.world.unit_of_work, public_url="https://auth.example/team"
        )

    @property
    def confirm_password_reset(self) -> ConfirmPasswordReset:
        return ConfirmPasswordReset(
            codec=self.codec,
            tokens=self.world.one_time_tokens,
            unit_of_work=self.world.unit_of_work,
            hasher=self.hasher,
            judge=NewPasswordJudge(estimator=self.estimator, breached=self.breached),
            policy=PasswordPolicy(),
        )

    async def sign_up(self, *, key: str | None = None, **changes: str | bytes | None) -> User:
        return await self.register_user(registration(**changes), ADA, key)

    async def try_to_sign_in(
        self, identifier: str = "Ada", password: str = PASSWORD, *, remember: bool = False, origin: Origin = ADA
    ) -> SignedIn | StepRequired:
        request = LogInRequest(identifier=identifier, password=password, remember=remember)
        steps = [self.verify_password, VerifiedEmail(self.require_verified_email)]
        return await self.log_in_by(steps)(request, origin)

    async def sign_in(self, identifier: str = "Ada", *, remember: bool = False, origin: Origin = ADA) -> SignedIn:
        result = await self.try_to_sign_in(identifier, remember=remember, origin=origin)
        if isinstance(result, StepRequired):
            raise TypeError(result)
        return result

    async def event_types(self) -> list[str]:
        return [event.type for event in await self.world.events()]


def caller_of(signed_in: SignedIn) -> Caller:
    return Caller(user_id=signed_in.user.id, session_id=signed_in.session.id)
