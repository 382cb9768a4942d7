"""All that is wrong with a body is told at once, whatever kind of wrong it is."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.application import served, settings_for
from tests.support.client import ServiceClient, bearer, problem_of
from tests.support.database import DatabaseServer

BODIES: dict[tuple[str, str], tuple[dict[str, Any], dict[str, str]]] = {
    ("POST", "/v1/users"): (
        {"email": 5, "password": "short", "given_name": " ", "locale": True, "zoneinfo": "Mars/Base", "role": "admin"},
        {
            "email": "wrong_type",
            "username": "missing",
            "password": "password_too_short",
            "given_name": "invalid_name",
            "locale": "wrong_type",
            "zoneinfo": "invalid_zoneinfo",
            "role": "unknown_field",
        },
    ),
    ("PATCH", "/v1/users/me"): (
        {"username": "-", "given_name": 1, "family_name": None, "locale": "english", "email": "eve@example.test"},
        {
            "username": "invalid_username",
            "given_name": "wrong_type",
            "locale": "invalid_locale",
            "email": "unknown_field",
        },
    ),
    ("PUT", "/v1/users/me/password"): (
        {"new_password": "short"},
        {"current_password": "missing", "new_password": "password_too_short"},
    ),
    ("POST", "/v1/users/me/email"): ({"new_email": "ada"}, {"new_email": "invalid_email", "password": "missing"}),
    ("POST", "/v1/password-resets/confirm"): (
        {"token": "nonsense", "new_password": ["x"]},
        {"token": "invalid_token", "new_password": "wrong_type"},
    ),
    ("POST", "/v1/email-verifications/confirm"): (
        {"token": "nonsense", "password": 5},
        {"token": "invalid_token", "password": "wrong_type"},
    ),
}


@pytest.fixture(scope="module")
async def client(database_server: DatabaseServer) -> AsyncIterator[ServiceClient]:
    url = await database_server.create()
    async with served(settings_for(url, rate_limits=False)) as client:
        yield client
    await database_server.drop(url)


@pytest.mark.parametrize("route", BODIES, ids=" ".join)
async def test_what_is_missing_or_no_text_hides_nothing_else(client: ServiceClient, route: tuple[str, str]) -> None:
    session = await client.signed_in()
    body, refused = BODIES[route]
    answer = await client.http.request(*route, json=body, headers=bearer(session.access_token))
    assert (answer.status_code, problem_of(answer)["code"]) == (422, "invalid_input")
    errors = {error["pointer"]: error["code"] for error in problem_of(answer)["errors"]}
    assert errors == {f"/{name}": code for name, code in refused.items()}
