"""Whoever is in and asked for the password again may not guess it either: all doors of a session count together."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer

WRONG = "never the password of anybody"
AT_MOST = 12
"""Wrong passwords of one session in a minute, through all doors together."""

Door = Callable[[ServiceClient, SignedIn, str], Awaitable[httpx.Response]]


async def _change(client: ServiceClient, session: SignedIn, password: str) -> httpx.Response:
    body = {"current_password": password, "new_password": "saffron ladder orbit velvet"}
    return await client.http.put("/v1/users/me/password", json=body, headers=bearer(session.access_token))


async def _move(client: ServiceClient, session: SignedIn, password: str) -> httpx.Response:
    body = {"new_email": Person.new().email, "password": password}
    return await client.http.post("/v1/users/me/email", json=body, headers=bearer(session.access_token))


async def _delete(client: ServiceClient, session: SignedIn, password: str) -> httpx.Response:
    body = {"password": password}
    return await client.http.post("/v1/users/me/deletion", json=body, headers=bearer(session.access_token))


DOORS: tuple[Door, ...] = (_change, _delete, _move)


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url)) as client:
        yield client


async def test_p01_l06_l08_a_caller_guesses_no_password_and_locks_nobody_out(client: ServiceClient) -> None:
    ada = await client.registered()
    session = await client.signed_in(ada)
    for guesses, door in enumerate(DOORS * AT_MOST):
        assert guesses <= AT_MOST, "guessed on and on"
        answer = await door(client, session, WRONG)
        if answer.status_code == 429:
            break
        assert answer.status_code == 403, answer.text
    for door in (_change, _delete):
        refused = await door(client, session, ada.password)
        assert refused.status_code == 429, "nor with the right one, or a guess could tell"
        assert int(refused.headers["retry-after"]) >= 1
    assert (await client.profile(session.access_token)).status_code == 200, "nobody is signed out for it"
    assert (await client.log_in(ada.email, ada.password)).status_code == 201, "nor kept from signing in"
