"""What ``AccessTokenIssuer`` and ``AccessTokenVerifier`` promise each other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from application.sessions.ports import AccessTokenIssuer, AccessTokenVerifier, Caller
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import SessionLifetime
from infrastructure.tokens.refresh_tokens import RefreshTokenCodec
from infrastructure.tokens.secret_keys import SecretKeys
from infrastructure.tokens.verified_tokens import CachingAccessTokenVerifier
from tests.support.builders import SHORT, new_id, session_of, user_named
from tests.support.clock import MovableClock
from tests.support.tokens import SECRET, Deployment, MemoryAccessTokens


@dataclass
class Service:
    """One that issues and verifies."""

    issuer: AccessTokenIssuer
    verifier: AccessTokenVerifier
    clock: MovableClock

    def sign_in(self, lifetime: SessionLifetime = SHORT) -> tuple[str, Caller, int]:
        user = user_named("ada")
        session = session_of(user.id, now=self.clock.now(), lifetime=lifetime)
        token = self.issuer.issue(user, session)
        return token.text, Caller(user_id=user.id, session_id=session.id), token.expires_in


async def fake() -> Service:
    clock = MovableClock()
    tokens = MemoryAccessTokens(clock)
    return Service(tokens, tokens, clock)


async def jwt() -> Service:
    deployment = await Deployment.start()
    return Service(deployment.issuer, deployment.verifier, deployment.clock)


async def cached_jwt() -> Service:
    deployment = await Deployment.start()
    verifier = CachingAccessTokenVerifier(deployment.verifier, deployment.ring, deployment.clock)
    return Service(deployment.issuer, verifier, deployment.clock)


Start = Callable[[], Awaitable[Service]]


@pytest.fixture(params=[fake, jwt, cached_jwt], ids=lambda start: start.__name__)
def start(request: pytest.FixtureRequest) -> Start:
    return request.param


@pytest.fixture
async def service(start: Start) -> Service:
    return await start()


def test_a_token_speaks_for_its_user_and_session(service: Service) -> None:
    text, caller, _ = service.sign_in()
    assert service.verifier.verify(text) == service.verifier.verify(text) == caller


def test_every_token_is_its_own(service: Service) -> None:
    user = user_named("ada")
    session = session_of(user.id, now=service.clock.now())
    assert len({service.issuer.issue(user, session).text for _ in range(20)}) == 20


def test_it_lives_as_long_as_is_said(service: Service) -> None:
    text, caller, expires_in = service.sign_in()
    service.clock.advance(timedelta(seconds=expires_in - 1))
    assert service.verifier.verify(text) == caller
    service.clock.advance(timedelta(seconds=1))
    with pytest.raises(InvalidAccessToken):
        service.verifier.verify(text)


def test_k06_at_most_a_quarter_of_an_hour(service: Service) -> None:
    """K06."""
    assert 1 <= service.sign_in()[2] <= 900


@pytest.mark.parametrize("end", ["idle", "absolute"])
def test_r07_and_not_beyond_its_session(service: Service, end: str) -> None:
    """R07: other services look at ``exp`` only."""
    lifetimes = {"idle": timedelta(hours=1), "absolute": timedelta(hours=1)}
    lifetime = SessionLifetime(**lifetimes | {end: timedelta(seconds=40)})
    assert service.sign_in(lifetime)[2] == 40


@pytest.mark.parametrize(
    "text", ["", ".", "..", "...", "Bearer", "a.b.c", "null", "\0", "\u00e9", "\ud800", "x" * 100_000]
)
def test_anything_else_is_refused(service: Service, text: str) -> None:
    with pytest.raises(InvalidAccessToken):
        service.verifier.verify(text)


def test_a_cut_or_longer_token_is_refused(service: Service) -> None:
    text, caller, _ = service.sign_in()
    assert service.verifier.verify(text) == caller
    for spoilt in (text[:-1], text[1:], text + "A", text + " ", "\n" + text, text + "=", text + "." + text):
        with pytest.raises(InvalidAccessToken):
            service.verifier.verify(spoilt)


async def test_a_token_of_another_service_is_refused(start: Start) -> None:
    ours, theirs = await start(), await start()
    with pytest.raises(InvalidAccessToken):
        ours.verifier.verify(theirs.sign_in()[0])


def test_p14_a_refresh_token_is_no_access_token(service: Service) -> None:
    """P14."""
    with pytest.raises(InvalidAccessToken):
        service.verifier.verify(RefreshTokenCodec(SecretKeys([SECRET])).first(new_id()).text)
