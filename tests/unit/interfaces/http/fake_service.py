"""The HTTP application over use cases that answer what a test tells them to, and remember what they were asked."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.di import Provide

from application.accounts.export_account import AccountExport, ArchiveContents, HeldCredential, HeldEvent, HeldToken
from application.sessions.ports import AccessToken, Caller, IssuedDeviceToken, SessionPage
from application.sessions.signed_in import SignedIn
from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile
from domain.accounts.user import User
from domain.credentials.password import CredentialKind
from domain.errors import InvalidInput
from domain.events import RecordedEvent
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import Authentication, EndReason, Session, SessionLifetime
from interfaces.http.app import http_app
from interfaces.http.client_address import ClientAddress
from interfaces.http.metrics import MetricsPage, MetricsReaders

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
USER_ID = UUID("01941f29-7c00-7aaa-8000-000000000001")
SESSION_ID = UUID("01941f29-7c00-7aaa-8000-000000000002")
CALLER = Caller(user_id=USER_ID, session_id=SESSION_ID)
GOOD_TOKEN = "good.access-token"
BEARER = {"Authorization": f"Bearer {GOOD_TOKEN}"}
PUBLIC_URL = "http://service.test"
PEER = "192.0.2.1"

ADA = User.register(
    user_id=USER_ID,
    email=EmailAddress.from_parts("Ada@Example.test", "Ada", "example.test"),
    username=Username.parse("Ada"),
    profile=Profile(given_name="Ada", zoneinfo="Europe/London"),
    now=NOON,
)
SESSION = Session.start(
    session_id=SESSION_ID,
    user_id=USER_ID,
    authentication=Authentication(auth_time=NOON, methods=("pwd",), client_id="first-party"),
    lifetime=SessionLifetime(idle=timedelta(hours=1), absolute=timedelta(hours=24)),
    ip_address="203.0.113.7",
    user_agent="Ada's browser",
    now=NOON,
)
SIGNED_IN = SignedIn(
    access_token=AccessToken(text="an.access.token", expires_in=300),
    refresh_token="a-refresh-token",
    refresh_expires_in=3600,
    session=SESSION,
    user=ADA,
    device_token=IssuedDeviceToken(text="a-device-token", expires_in=15_552_000),
)
ENDED = SESSION.revoke(EndReason.LOGGED_OUT, NOON)
EVENT = HeldEvent(
    position=7,
    event=RecordedEvent(
        id=UUID("01941f29-7c00-7aaa-8000-000000000003"),
        type="session.started",
        occurred_at=NOON,
        user_id=USER_ID,
        session_id=SESSION_ID,
        request_id="a-request",
        ip_address="203.0.113.7",
        user_agent="Ada's browser",
        data={"amr": "pwd"},
    ),
)
EXPORT = AccountExport(
    contents=ArchiveContents(
        now=NOON,
        snapshot="1:1:",
        user=ADA,
        username_changed_at=[NOON],
        reserved_usernames=2,
        credentials=[HeldCredential(kind=CredentialKind.PASSWORD, created_at=NOON, updated_at=NOON)],
        one_time_tokens=[HeldToken(purpose="operator_password_reset", created_at=NOON, expires_at=NOON)],
    ),
    sessions=NotImplemented,
    events=NotImplemented,
)

REGISTRATION = {"email": "Ada@Example.test", "username": "Ada", "password": "tundra oboe lantern marzipan"}
CREDENTIALS = {"identifier": "ada", "password": "tundra oboe lantern marzipan"}
REFRESH = {"refresh_token": "a-refresh-token"}
MAIL_REQUEST = {"email": "ada@example.test"}
EMAIL_VERIFICATION = {"token": "a token", "password": "tundra oboe lantern marzipan"}
PASSWORD_RESET = {"token": "a-token", "new_password": "saffron ladder orbit velvet"}
PASSWORD_CHANGE = {"current_password": REGISTRATION["password"], "new_password": PASSWORD_RESET["new_password"]}
EMAIL_CHANGE = {"new_email": "Countess@Example.test", "password": REGISTRATION["password"]}
POST_ROUTES = {
    "/v1/users": REGISTRATION,
    "/v1/sessions": CREDENTIALS,
    "/v1/sessions/refresh": REFRESH,
    "/v1/password-resets": MAIL_REQUEST,
    "/v1/email-verifications": MAIL_REQUEST,
    "/v1/email-verifications/reject": {"token": "a token"},
    "/v1/email-verifications/confirm": EMAIL_VERIFICATION,
    "/v1/password-resets/confirm": PASSWORD_RESET,
}
"""Every route that reads a body, with a body that it takes."""
CALLER_ROUTES = (
    ("GET", "/v1/users/me"),
    ("PATCH", "/v1/users/me"),
    ("PUT", "/v1/users/me/password"),
    ("POST", "/v1/users/me/email"),
    ("POST", "/v1/users/me/deletion"),
    ("GET", "/v1/users/me/export"),
    ("GET", "/v1/sessions/current"),
    ("DELETE", "/v1/sessions/current"),
    ("GET", "/v1/sessions"),
    ("DELETE", "/v1/sessions"),
    ("DELETE", "/v1/sessions/{session_id}"),
    ("PUT", "/v1/users/me/photo"),
    ("DELETE", "/v1/users/me/photo"),
)
CALLER_BODIES: dict[str, Any] = {
    "/v1/users/me": {"given_name": "Ada"},
    "/v1/users/me/password": PASSWORD_CHANGE,
    "/v1/users/me/email": EMAIL_CHANGE,
    "/v1/users/me/deletion": {"password": REGISTRATION["password"]},
}
"""Of the routes above that read one."""


@dataclass
class Scripted:
    """A use case that answers `outcome`, or raises it."""

    outcome: Any
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    async def __call__(self, *given: Any, **named: Any) -> Any:
        self.calls.append((*given, named) if named else given)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def refuse_fields(self, given: Mapping[str, Any]) -> None:
        """Refuses what it would refuse, whatever is given."""
        if isinstance(self.outcome, InvalidInput):
            raise self.outcome


async def _pages(*pages: Any) -> AsyncIterator[Any]:
    for page in pages:
        yield page


@dataclass
class ScriptedExport(Scripted):
    """Answers an export that is read page by page, each time anew."""

    async def __call__(self, *given: Any) -> Any:
        return replace(await super().__call__(*given), sessions=_pages([SESSION], [ENDED]), events=_pages([EVENT]))


@dataclass
class ScriptedUpload(Scripted):
    """One that reads what is uploaded, and remembers that in its place."""

    async def __call__(self, caller: Any, read: Any, origin: Any) -> Any:
        ended = isinstance(self.outcome, InvalidAccessToken)
        return await super().__call__(caller, None if ended else await read(), origin)


@dataclass
class ScriptedView(Scripted):
    """One that gives `None` for what is at hand."""

    async def __call__(self, *given: Any, is_at_hand: bool = False) -> Any:
        found = await super().__call__(*given)
        return None if is_at_hand else found


@dataclass
class FakeVerifier:
    seen: list[str] = field(default_factory=list)

    def verify(self, text: str) -> Caller:
        self.seen.append(text)
        if text != GOOD_TOKEN:
            raise InvalidAccessToken
        return CALLER


@dataclass
class ScriptedSignUp(Scripted):
    is_on: bool = False


@dataclass
class FakeReadiness:
    works: dict[str, bool] = field(default_factory=lambda: {"database": True})

    async def parts(self) -> Mapping[str, bool]:
        return self.works


class FakeJwks:
    def jwks(self) -> bytes:
        return b'{"keys":[]}'


class FakeMetrics:
    def text(self, accept: str) -> tuple[bytes, str]:
        return f"figures for {accept}".encode(), "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class FakeService:
    """What the application is given; the field names are the names it asks for."""

    register_user: Scripted = field(default_factory=lambda: Scripted(ADA))
    request_sign_up: ScriptedSignUp = field(default_factory=lambda: ScriptedSignUp(None))
    view_profile: Scripted = field(default_factory=lambda: Scripted(ADA))
    change_profile: Scripted = field(default_factory=lambda: Scripted(ADA))
    log_in: Scripted = field(default_factory=lambda: Scripted(SIGNED_IN))
    refresh_session: Scripted = field(default_factory=lambda: Scripted(SIGNED_IN))
    view_session: Scripted = field(default_factory=lambda: Scripted(SESSION))
    log_out: Scripted = field(default_factory=lambda: Scripted(None))
    change_password: Scripted = field(default_factory=lambda: Scripted(SIGNED_IN))
    delete_own_account: Scripted = field(default_factory=lambda: Scripted(None))
    export_account: Scripted = field(default_factory=lambda: ScriptedExport(EXPORT))
    request_password_reset: Scripted = field(default_factory=lambda: Scripted(None))
    request_email_verification: Scripted = field(default_factory=lambda: Scripted(None))
    reject_email_verification: Scripted = field(default_factory=lambda: Scripted(None))
    request_email_change: Scripted = field(default_factory=lambda: Scripted(None))
    freeze_account: Scripted = field(default_factory=lambda: Scripted("a-reset-token"))
    confirm_email_verification: Scripted = field(default_factory=lambda: Scripted(ADA))
    confirm_password_reset: Scripted = field(default_factory=lambda: Scripted(None))
    list_sessions: Scripted = field(default_factory=lambda: Scripted(SessionPage(sessions=[SESSION], next=None)))
    end_session: Scripted = field(default_factory=lambda: Scripted(None))
    end_all_sessions: Scripted = field(default_factory=lambda: Scripted(None))
    set_photo: Scripted = field(default_factory=lambda: ScriptedUpload(ADA))
    remove_photo: Scripted = field(default_factory=lambda: Scripted(None))
    view_photo: Scripted = field(default_factory=lambda: ScriptedView(b"a picture"))
    access_token_verifier: FakeVerifier = field(default_factory=FakeVerifier)
    readiness: FakeReadiness = field(default_factory=FakeReadiness)
    jwks: FakeJwks = field(default_factory=FakeJwks)
    metrics_page: MetricsPage = field(default_factory=lambda: MetricsPage(FakeMetrics(), MetricsReaders(GOOD_TOKEN)))

    def provided(self) -> dict[str, Provide]:
        return {each.name: self._provide(each.name) for each in fields(self)}

    def app(self, *, client_address: ClientAddress | None = None, **options: Any) -> Litestar:
        address = client_address or ClientAddress()
        return http_app(dependencies=self.provided(), client_address=address, **{"public_url": PUBLIC_URL} | options)

    def use_case(self, path: str) -> Scripted:
        """The use case behind a route with a body."""
        by_path = {
            "/v1/users": self.register_user,
            "/v1/sessions": self.log_in,
            "/v1/sessions/refresh": self.refresh_session,
            "/v1/password-resets": self.request_password_reset,
            "/v1/email-verifications/reject": self.reject_email_verification,
            "/v1/email-verifications/confirm": self.confirm_email_verification,
            "/v1/email-verifications": self.request_email_verification,
            "/v1/password-resets/confirm": self.confirm_password_reset,
        }
        return by_path[path]

    def _provide(self, name: str) -> Provide:
        return Provide(lambda: getattr(self, name), sync_to_thread=False)


@asynccontextmanager
async def client_of(app: Any, *, peer: str = PEER, root_path: str = "") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(peer, 50000), root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
        yield client
