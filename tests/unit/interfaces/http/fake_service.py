"""The HTTP application over use cases that answer what a test tells them to, and remember what they were asked."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.di import Provide

from application.sessions.ports import AccessToken, Caller
from application.sessions.signed_in import SignedIn
from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile
from domain.accounts.user import User
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import Authentication, Session, SessionLifetime
from interfaces.http.app import http_app
from interfaces.http.client_address import ClientAddress

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
USER_ID = UUID("01941f29-7c00-7aaa-8000-000000000001")
SESSION_ID = UUID("01941f29-7c00-7aaa-8000-000000000002")
CALLER = Caller(user_id=USER_ID, session_id=SESSION_ID)
GOOD_TOKEN = "good.access-token"
BEARER = {"Authorization": f"Bearer {GOOD_TOKEN}"}
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
)

REGISTRATION = {"email": "Ada@Example.test", "username": "Ada", "password": "tundra oboe lantern marzipan"}
CREDENTIALS = {"identifier": "ada", "password": "tundra oboe lantern marzipan"}
REFRESH = {"refresh_token": "a-refresh-token"}
POST_ROUTES = {"/v1/users": REGISTRATION, "/v1/sessions": CREDENTIALS, "/v1/sessions/refresh": REFRESH}
"""Every route that reads a body, with a body that it takes."""
CALLER_ROUTES = (("GET", "/v1/users/me"), ("GET", "/v1/sessions/current"), ("DELETE", "/v1/sessions/current"))


@dataclass
class Scripted:
    """A use case that answers `outcome`, or raises it."""

    outcome: Any
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    async def __call__(self, *given: Any) -> Any:
        self.calls.append(given)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@dataclass
class FakeVerifier:
    seen: list[str] = field(default_factory=list)

    def verify(self, text: str) -> Caller:
        self.seen.append(text)
        if text != GOOD_TOKEN:
            raise InvalidAccessToken
        return CALLER


@dataclass
class FakeReadiness:
    works: dict[str, bool] = field(default_factory=lambda: {"database": True})

    async def parts(self) -> Mapping[str, bool]:
        return self.works


class FakeJwks:
    def jwks(self) -> bytes:
        return b'{"keys":[]}'


@dataclass
class FakeService:
    """What the application is given; the field names are the names it asks for."""

    register_user: Scripted = field(default_factory=lambda: Scripted(ADA))
    view_profile: Scripted = field(default_factory=lambda: Scripted(ADA))
    log_in: Scripted = field(default_factory=lambda: Scripted(SIGNED_IN))
    refresh_session: Scripted = field(default_factory=lambda: Scripted(SIGNED_IN))
    view_session: Scripted = field(default_factory=lambda: Scripted(SESSION))
    log_out: Scripted = field(default_factory=lambda: Scripted(None))
    access_token_verifier: FakeVerifier = field(default_factory=FakeVerifier)
    readiness: FakeReadiness = field(default_factory=FakeReadiness)
    jwks: FakeJwks = field(default_factory=FakeJwks)

    def provided(self) -> dict[str, Provide]:
        return {each.name: self._provide(each.name) for each in fields(self)}

    def app(self, *, client_address: ClientAddress | None = None, **options: Any) -> Litestar:
        return http_app(dependencies=self.provided(), client_address=client_address or ClientAddress(), **options)

    def use_case(self, path: str) -> Scripted:
        """The use case behind a route with a body."""
        by_path = {
            "/v1/users": self.register_user,
            "/v1/sessions": self.log_in,
            "/v1/sessions/refresh": self.refresh_session,
        }
        return by_path[path]

    def _provide(self, name: str) -> Provide:
        return Provide(lambda: getattr(self, name), sync_to_thread=False)


@asynccontextmanager
async def client_of(app: Any, *, peer: str = PEER, root_path: str = "") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(peer, 50000), root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
        yield client
