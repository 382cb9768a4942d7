"""Tokens between client and service: where they are, where they are not read, and what a clock does to them."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import httpx
import pytest

from tests.support.application import served, settings_for
from tests.support.client import ServiceClient, SignedIn, bearer
from tests.support.rows import let_pass

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://evil.test"}


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url, rate_limits=False)) as client:
        yield client


async def test_r12_h06_what_holds_a_token_is_not_stored(client: ServiceClient) -> None:
    ada = await client.registered()
    signed_in = await client.log_in(ada.email, ada.password)
    session = SignedIn.of(signed_in)
    refreshed = await client.refresh(session.refresh_token)
    body = {"current_password": ada.password, "new_password": "saffron ladder orbit velvet"}
    newer = SignedIn.of(refreshed)
    changed = await client.http.put("/v1/users/me/password", json=body, headers=bearer(newer.access_token))
    for answer in (signed_in, refreshed, changed, await client.profile(SignedIn.of(changed).access_token)):
        assert answer.is_success, answer.text
        assert answer.headers["cache-control"] == "no-store"
        told = SignedIn.of(answer) if "access_token" in answer.json() else None
        for name, value in answer.headers.items():
            assert told is None or (told.access_token not in value and told.refresh_token not in value), name


async def test_r12_no_token_is_read_from_an_address(client: ServiceClient) -> None:
    session = await client.signed_in()
    for name in ("access_token", "token", "authorization", "bearer"):
        answer = await client.http.get("/v1/sessions/current", params={name: session.access_token})
        assert answer.status_code == 401
    answer = await client.http.post("/v1/sessions/refresh", params={"refresh_token": session.refresh_token}, json={})
    assert answer.status_code == 422
    assert (await client.refresh(session.refresh_token)).status_code == 200


async def test_o04_no_address_and_no_form_of_another_site_signs_out(client: ServiceClient) -> None:
    session = await client.signed_in()
    cookie = {"Cookie": f"access_token={session.access_token}; __Host-crm_auth_refresh={session.refresh_token}"}
    for path in ("/v1/sessions/current", "/v1/sessions", "/logout", "/v1/logout"):
        for method in ("GET", "HEAD", "OPTIONS"):
            await client.http.request(method, path, headers=bearer(session.access_token))
        override = bearer(session.access_token) | {"X-HTTP-Method-Override": "DELETE", **FORM}
        await client.http.post(path, content=b"_method=DELETE", headers=override)
        await client.http.post(path, content=b"_method=DELETE", headers=FORM | cookie)
        await client.http.delete(path, headers=cookie)
    assert (await client.profile(session.access_token)).status_code == 200
    assert (await client.refresh(session.refresh_token)).status_code == 200


async def test_h07_the_cookie_of_a_device_stays_at_home_and_opens_nothing(client: ServiceClient) -> None:
    ada = await client.registered()
    [cookie] = (await client.log_in(ada.email, ada.password)).headers.get_list("set-cookie")
    pair, *attributes = [part.strip() for part in cookie.split(";")]
    assert pair.startswith("__Host-")
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert not [each for each in attributes if each.lower().startswith("domain")]
    assert len(cookie) < 4096
    for path in ("/v1/users/me", "/v1/sessions", "/v1/sessions/current", "/v1/users/me/export"):
        assert (await client.http.get(path, headers={"Cookie": pair})).status_code == 401
    form = b"identifier=ada&password=x"
    assert (await client.http.post("/v1/sessions", content=form, headers=FORM | {"Cookie": pair})).status_code == 415


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1)], ids=["back", "forth"])
async def test_r06_x09_a_step_of_the_clock_revives_nothing_and_signs_nobody_out(
    client: ServiceClient, database_url: str, monkeypatch: pytest.MonkeyPatch, step: timedelta
) -> None:
    live, logged_out, idle = [await client.signed_in() for _ in range(3)]
    await client.log_out(logged_out.access_token)
    await let_pass(database_url, idle.session_id, timedelta(hours=1, minutes=1))
    spent = await client.signed_in()
    await _spend(client, database_url, spent)

    _step_the_system_clock(monkeypatch, step)

    for dead in (logged_out, idle, spent):
        assert (await client.profile(dead.access_token)).status_code == 401
        assert (await client.refresh(dead.refresh_token)).status_code == 401
    assert (await client.profile(live.access_token)).status_code == 200
    newer = SignedIn.of(await client.refresh(live.refresh_token))
    assert (await client.profile(newer.access_token)).status_code == 200
    assert (await client.signed_in()).session_id


async def _spend(client: ServiceClient, database_url: str, session: SignedIn) -> httpx.Response:
    """Two rotations long enough ago that the first token is reuse."""
    newer = SignedIn.of(await client.refresh(session.refresh_token))
    await client.refresh(newer.refresh_token)
    await let_pass(database_url, session.session_id, timedelta(seconds=30))
    return await client.refresh(session.refresh_token)


def _step_the_system_clock(monkeypatch: pytest.MonkeyPatch, step: timedelta) -> None:
    system = time.time

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz or UTC) + step

    monkeypatch.setattr(time, "time", lambda: system() + step.total_seconds())
    monkeypatch.setattr("infrastructure.clock.datetime", Stepped)
