"""The bearer token: read strictly from one place, judged before anything else happens."""

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from domain.sessions.errors import InvalidAccessToken
from interfaces.http.authentication import BearerAuthentication
from tests.unit.interfaces.http.fake_service import (
    BEARER,
    CALLER,
    CALLER_BODIES,
    CALLER_ROUTES,
    GOOD_TOKEN,
    FakeService,
    Scripted,
)

every_caller_route = pytest.mark.parametrize(("method", "path"), CALLER_ROUTES)


def test_the_routes_for_callers_are_those_of_the_contract(app: Litestar) -> None:
    """A new one is to be added to CALLER_ROUTES, so that all that is tested here is tested on it."""
    found = {
        (str(method), route.path_format)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if isinstance(handler.resolve_before_request(), BearerAuthentication)
        for method in handler.http_methods
        if method != "OPTIONS"
    }
    assert found == set(CALLER_ROUTES)


@every_caller_route
@pytest.mark.parametrize("authorization", [None, "", "Basic YWRhOnNlY3JldA==", "Bearerx", f"Token {GOOD_TOKEN}"])
async def test_without_a_bearer_token(
    client: httpx.AsyncClient, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_required")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"


@every_caller_route
@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer =",
        "Bearer forged",
        f"Bearer {GOOD_TOKEN}\xe9",
        f"Bearer {GOOD_TOKEN}=x",
        f"Bearer {GOOD_TOKEN} x",
        f"Bearer {GOOD_TOKEN}, Bearer {GOOD_TOKEN}",
        f'Bearer "{GOOD_TOKEN}"',
        f"Bearer \t{GOOD_TOKEN}",
    ],
)
async def test_with_what_is_no_token_of_ours(
    client: httpx.AsyncClient, method: str, path: str, authorization: str
) -> None:
    answer = await client.request(method, path, headers={b"Authorization": authorization.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@every_caller_route
async def test_h12_two_headers_are_refused_whatever_they_say(client: httpx.AsyncClient, method: str, path: str) -> None:
    twice = [("Authorization", f"Bearer {GOOD_TOKEN}"), ("Authorization", f"Bearer {GOOD_TOKEN}")]
    answer = await client.request(method, path, headers=twice)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("spaces", [" ", "   "])
async def test_k13_the_scheme_is_written_in_any_case(
    client: httpx.AsyncClient, service: FakeService, scheme: str, spaces: str
) -> None:
    answer = await client.get("/v1/users/me", headers={"Authorization": f"{scheme}{spaces}{GOOD_TOKEN}"})
    assert answer.status_code == 200
    assert service.view_profile.calls == [(CALLER,)]


@every_caller_route
async def test_k13_r12_a_token_is_never_taken_from_elsewhere(
    client: httpx.AsyncClient, service: FakeService, method: str, path: str
) -> None:
    answer = await client.request(
        method,
        f"{path}?access_token={GOOD_TOKEN}",
        headers={"Cookie": f"access_token={GOOD_TOKEN}", "X-Access-Token": GOOD_TOKEN},
        data={"access_token": GOOD_TOKEN},
    )
    assert answer.json()["code"] == "authentication_required"
    assert service.access_token_verifier.seen == []


@every_caller_route
async def test_a_session_that_has_ended(
    client: httpx.AsyncClient, service: FakeService, method: str, path: str
) -> None:
    for use_case in vars(service).values():
        if isinstance(use_case, Scripted):
            use_case.outcome = InvalidAccessToken()
    answer = await client.request(method, path, headers=BEARER, json=CALLER_BODIES.get(path))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@every_caller_route
async def test_what_may_be_asked_is_told_to_all(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.options(path)
    assert answer.status_code == 204
    assert method in answer.headers["allow"].split(", ")
