"""Every route behind a token refuses whoever has none, or one that is no good any more.

The routes come from the OpenAPI document, so that a new one is asked like the old ones.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from infrastructure.clock import DatabaseClock
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.signing_keys import PostgresSigningKeyStore
from infrastructure.tokens.key_ring import KeyRing
from infrastructure.tokens.secret_keys import SecretKeys
from interfaces.http.app import openapi_document
from tests.support.application import served, settings_for
from tests.support.client import ServiceClient, SignedIn, bearer, problem_of
from tests.support.rows import contents, disable, let_pass
from tests.support.server import SECRET_KEY
from tests.support.tokens import as_json, b64, es256

PUBLIC = {
    ("POST", "/v1/users"),
    ("POST", "/v1/sessions"),
    ("POST", "/v1/sessions/refresh"),
    ("POST", "/v1/password-resets"),
    ("POST", "/v1/password-resets/confirm"),
    ("POST", "/v1/email-verifications"),
    ("POST", "/v1/email-verifications/confirm"),
    ("POST", "/v1/email-verifications/reject"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),  # by a token of its own, which is no session's
    ("GET", "/v1/photos/{photo_id}"),
}
"""Whatever is not here needs a token."""

_SOME_ID = "0198c6a2-7d4e-7c3a-9b1f-2a5d8e4c6f01"


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    is_protected: bool
    example: Any = None
    """A body that is read, of a route that reads one."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _routes() -> list[Route]:
    document = json.loads(openapi_document())
    everywhere = document.get("security", [])
    return [
        Route(method.upper(), path, _is_protected(operation.get("security", everywhere)), _example(operation))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in {"get", "put", "post", "delete", "patch"}
    ]


def _is_protected(security: list[dict[str, Any]]) -> bool:
    """An empty requirement is one way in without a token (OpenAPI 3.1 4.8.30)."""
    return bool(security) and {} not in security


def _example(operation: Any) -> Any:
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")


PROTECTED = [route for route in _routes() if route.is_protected]
for_every_protected_route = pytest.mark.parametrize("route", PROTECTED, ids=str)


def test_a_route_is_protected_unless_it_is_known_to_be_public() -> None:
    assert {(route.method, route.path) for route in _routes() if not route.is_protected} == PUBLIC
    assert len(PROTECTED) >= 3


@pytest.fixture(scope="module")
async def database_url(database_server: Any) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url, rate_limits=False)) as client:
        yield client


@pytest.fixture(scope="module")
async def client_of_operators(database_url: str) -> AsyncIterator[ServiceClient]:
    """Of a node that offers nothing which an operator may keep from people."""
    async with served(settings_for(database_url, rate_limits=False, self_deletion=False)) as client:
        yield client


async def _ask(client: ServiceClient, route: Route, **headers: str) -> httpx.Response:
    """With a body where one may be read, so that what is missing is the right and not the body."""
    path = "/".join(_SOME_ID if part.startswith("{") else part for part in route.path.split("/"))
    body = json.dumps(route.example or {}).encode() if route.method in {"POST", "PUT", "PATCH"} else None
    whole_headers = headers | {"content-type": "application/json"}
    return await client.http.request(route.method, path, headers=whole_headers, content=body)


def _assert_challenged(answer: httpx.Response, code: str, challenge: str) -> None:
    """RFC 6750 3."""
    assert answer.status_code == 401
    assert problem_of(answer)["code"] == code
    assert answer.headers.get_list("www-authenticate") == [challenge]


@for_every_protected_route
async def test_a_live_session_is_let_in(client: ServiceClient, route: Route) -> None:
    """Otherwise the refusals below would say nothing."""
    session = await client.signed_in()
    answer = await _ask(client, route, **bearer(session.access_token))
    refused = answer.status_code in {401, 403, 500} and problem_of(answer)["code"] != "wrong_password"
    assert not refused, answer.text


async def test_what_only_operators_do_is_refused_in_a_live_session(client_of_operators: ServiceClient) -> None:
    """Otherwise those below would not have met with it."""
    session = await client_of_operators.signed_in()
    route = next(route for route in PROTECTED if route.path == "/v1/users/me/deletion")
    answer = await _ask(client_of_operators, route, **bearer(session.access_token))
    assert (answer.status_code, problem_of(answer)["code"]) == (403, "self_deletion_off")


@for_every_protected_route
async def test_k13_no_token(client: ServiceClient, route: Route) -> None:
    session = await client.signed_in()
    for headers in ({}, {"Authorization": "Basic YWRhOmFkYQ=="}, {"Cookie": f"access_token={session.access_token}"}):
        _assert_challenged(await _ask(client, route, **headers), "authentication_required", "Bearer")
    in_the_url = Route(route.method, f"{route.path}?access_token={session.access_token}", is_protected=True)
    _assert_challenged(await _ask(client, in_the_url), "authentication_required", "Bearer")


async def _logged_out(client: ServiceClient, url: str) -> SignedIn:
    session = await client.signed_in()
    assert (await client.log_out(session.access_token)).status_code == 204
    return session


async def _of_a_disabled_user(client: ServiceClient, url: str) -> SignedIn:
    session = await client.signed_in()
    await disable(url, session.user_id)
    return session


async def _unused_for_too_long(client: ServiceClient, url: str) -> SignedIn:
    session = await client.signed_in()
    await let_pass(url, session.session_id, timedelta(hours=1, seconds=1))
    return session


async def _at_its_absolute_end(client: ServiceClient, url: str) -> SignedIn:
    session = await client.signed_in()
    for _ in range(30):
        await let_pass(url, session.session_id, timedelta(minutes=50))
        refreshed = await client.refresh(session.refresh_token)
        if refreshed.status_code == 401:
            return session
        session = SignedIn.of(refreshed)
    raise AssertionError("refreshed for longer than a day")


async def _ended_by_reuse(client: ServiceClient, url: str) -> SignedIn:
    session = await client.signed_in()
    newer = SignedIn.of(await client.refresh(session.refresh_token))
    newest = SignedIn.of(await client.refresh(newer.refresh_token))
    await let_pass(url, session.session_id, timedelta(seconds=11))
    assert (await client.refresh(session.refresh_token)).status_code == 401
    return newest


Ending = Callable[[ServiceClient, str], Awaitable[SignedIn]]
ENDINGS = [_logged_out, _of_a_disabled_user, _unused_for_too_long, _at_its_absolute_end, _ended_by_reuse]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__.strip("_").replace("_", " "))
async def test_o01_r04_r07_r11_a_session_that_has_ended(
    client: ServiceClient, client_of_operators: ServiceClient, database_url: str, ending: Ending
) -> None:
    """O01, R07, R11, R04: on all routes, offered or not, from that moment on, and its refresh token with it."""
    session = await ending(client, database_url)
    before = await contents(database_url)
    for asked, route in product((client, client_of_operators), PROTECTED):
        answer = await _ask(asked, route, **bearer(session.access_token))
        _assert_challenged(answer, "invalid_token", 'Bearer error="invalid_token"')
    refused = await client.refresh(session.refresh_token)
    assert (refused.status_code, problem_of(refused)["code"]) == (401, "invalid_refresh_token")
    assert await contents(database_url) == before, "nothing of it is revived or noted"


class Forger:
    """Makes the tokens the service would make, with its own key, and what an attacker would make of them."""

    def __init__(self, ring: KeyRing, issuer: str) -> None:
        self.key = ring.signing
        self.issuer = issuer
        self.now = int(DatabaseClock().now().timestamp())

    def token(self, session: SignedIn, *, header: dict[str, Any], claims: dict[str, Any], forged: bool = False) -> str:
        whole_header = {"typ": "at+jwt", "alg": "ES256", "kid": self.key.kid} | header
        whole_claims = {
            "iss": self.issuer,
            "sub": str(session.user_id),
            "aud": self.issuer,
            "exp": self.now + 300,
            "iat": self.now,
            "jti": "c2ZkZ2hqa2xxd2VydHl1aQ",
            "client_id": "first-party",
            "sid": str(session.session_id),
            "auth_time": self.now,
            "amr": ["pwd"],
        } | claims
        private_key = ec.generate_private_key(ec.SECP256R1()) if forged else self.key.private_key
        assert private_key is not None
        message = f"{b64(as_json(whole_header))}.{b64(as_json(whole_claims))}"
        return f"{message}.{b64(es256(private_key)(message.encode()))}"


@pytest.fixture(scope="module")
async def forger(client: ServiceClient, database_url: str) -> Forger:
    async with Database(DatabaseOptions(url=database_url, pool_size=1)).opened() as database:
        ring = KeyRing(PostgresSigningKeyStore(database), SecretKeys([SECRET_KEY]), DatabaseClock())
        await ring.reload()
        return Forger(ring, settings_for(database_url).public_url)


FORGERIES: dict[str, dict[str, Any]] = {
    "of a foreign key": {"forged": True},
    "expired": {"claims": {"exp": 1_700_000_000, "iat": 1_699_999_700}},
    "not valid yet": {"claims": {"nbf": 4_000_000_000}},
    "of another issuer": {"claims": {"iss": "https://elsewhere.example"}},
    "for another audience": {"claims": {"aud": "https://elsewhere.example"}},
    "an id token": {"header": {"typ": "JWT"}},
    "of no type": {"header": {"typ": None}},
    "by no algorithm": {"header": {"alg": "none"}},
    "by a secret": {"header": {"alg": "HS256"}},
    "of an unknown key": {"header": {"kid": "unknown"}},
    "of no session": {"claims": {"sid": None}},
    "of another's session": {"claims": {"sub": _SOME_ID}},
    "of a session that never was": {"claims": {"sid": _SOME_ID}},
}


async def test_the_forger_knows_its_trade(client: ServiceClient, forger: Forger) -> None:
    """What it changes nothing of is a good token: the refusals below are for what was changed."""
    session = await client.signed_in()
    good = forger.token(session, header={}, claims={})
    assert (await client.profile(good)).status_code == 200


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_k01_k04_k05_a_forged_token(client: ServiceClient, forger: Forger, forgery: dict[str, Any]) -> None:
    session = await client.signed_in()
    token = forger.token(session, **{"header": {}, "claims": {}} | forgery)
    for route in PROTECTED:
        answer = await _ask(client, route, **bearer(token))
        _assert_challenged(answer, "invalid_token", 'Bearer error="invalid_token"')


async def test_a_token_of_one_user_reads_nothing_of_another(client: ServiceClient) -> None:
    one, other = await client.signed_in(), await client.signed_in()
    assert UUID((await client.profile(one.access_token)).json()["id"]) == one.user_id
    assert UUID((await client.profile(other.access_token)).json()["id"]) == other.user_id
    assert (await client.log_out(one.access_token)).status_code == 204
    assert (await client.profile(other.access_token)).status_code == 200
