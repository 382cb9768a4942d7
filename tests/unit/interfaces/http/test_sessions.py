"""Sessions on the wire."""

import httpx
import pytest

from application.sessions.log_in import LogInRequest, StepRequired
from domain.sessions.errors import InvalidCredentials, InvalidRefreshToken
from tests.unit.interfaces.http.fake_service import (
    BEARER,
    CALLER,
    CREDENTIALS,
    PEER,
    REFRESH,
    SESSION_ID,
    FakeService,
)
from tests.unit.interfaces.http.test_accounts import USER

SESSION = {
    "id": str(SESSION_ID),
    "created_at": "2030-01-01T12:00:00Z",
    "last_used_at": "2030-01-01T12:00:00Z",
    "idle_expires_at": "2030-01-01T13:00:00Z",
    "expires_at": "2030-01-02T12:00:00Z",
    "ip_address": "203.0.113.7",
    "user_agent": "Ada's browser",
    "device": None,
    "current": True,
    "authentication_methods": ["pwd"],
}
TOKENS = {
    "access_token": "an.access.token",
    "token_type": "Bearer",
    "expires_in": 300,
    "refresh_token": "a-refresh-token",
    "refresh_expires_in": 3600,
    "session": SESSION,
    "user": USER,
}


@pytest.mark.parametrize(
    ("asked", "remember"),
    [({}, False), ({"remember": None}, False), ({"remember": True}, True), ({"remember": False}, False)],
)
async def test_sign_in(
    client: httpx.AsyncClient, service: FakeService, asked: dict[str, bool | None], remember: bool
) -> None:
    answer = await client.post("/v1/sessions", json=CREDENTIALS | asked)
    assert (answer.status_code, answer.json()) == (201, TOKENS)
    assert answer.headers["cache-control"] == "no-store"
    [(request, origin)] = service.log_in.calls
    assert request == LogInRequest(**CREDENTIALS, remember=remember)
    assert (origin.ip_address, origin.request_id) == (PEER, answer.headers["x-request-id"])


async def test_a_step_that_is_still_required(client: httpx.AsyncClient, service: FakeService) -> None:
    service.log_in.outcome = StepRequired("totp")
    answer = await client.post("/v1/sessions", json=CREDENTIALS)
    assert (answer.status_code, answer.json()["code"]) == (403, "additional_authentication_required")


async def test_credentials_that_are_wrong(client: httpx.AsyncClient, service: FakeService) -> None:
    service.log_in.outcome = InvalidCredentials()
    answer = await client.post("/v1/sessions", json=CREDENTIALS)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"


async def test_refresh(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.post("/v1/sessions/refresh", json=REFRESH)
    assert (answer.status_code, answer.json()) == (200, TOKENS)
    assert answer.headers["cache-control"] == "no-store"
    [(text, origin)] = service.refresh_session.calls
    assert (text, origin.ip_address) == ("a-refresh-token", PEER)


async def test_a_refresh_token_that_gives_nothing(client: httpx.AsyncClient, service: FakeService) -> None:
    service.refresh_session.outcome = InvalidRefreshToken()
    answer = await client.post("/v1/sessions/refresh", json=REFRESH)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_current_session(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.get("/v1/sessions/current", headers=BEARER)
    assert (answer.status_code, answer.json()) == (200, SESSION)
    assert answer.headers["cache-control"] == "no-store"
    assert service.view_session.calls == [(CALLER,)]


async def test_sign_out(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.delete("/v1/sessions/current", headers=BEARER)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    [(caller, origin)] = service.log_out.calls
    assert (caller, origin.ip_address) == (CALLER, PEER)
