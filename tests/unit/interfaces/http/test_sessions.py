"""Sessions on the wire."""

from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from application.sessions.log_in import LogInRequest, StepRequired
from application.sessions.ports import SessionPage, SessionPosition
from domain.sessions.errors import InvalidCredentials, InvalidRefreshToken, SessionNotFound
from tests.unit.interfaces.http.fake_service import (
    BEARER,
    CALLER,
    CREDENTIALS,
    NOON,
    PEER,
    REFRESH,
    SESSION_ID,
    FakeService,
)
from tests.unit.interfaces.http.fake_service import SESSION as A_SESSION
from tests.unit.interfaces.http.test_accounts import USER

OTHER_ID = UUID("01941f29-7c00-7aaa-8000-000000000003")
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


@pytest.mark.parametrize(("path", "body"), [("/v1/sessions", CREDENTIALS), ("/v1/sessions/refresh", REFRESH)])
async def test_a_token_is_not_given_in_another_way_than_asked(
    client: httpx.AsyncClient, service: FakeService, path: str, body: dict[str, str]
) -> None:
    """Who asks for cookies, that no script can read, is not to find the token in the body."""
    answer = await client.post(f"{path}?transport=cookie", json=body)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["code"]) == (422, "/transport", "unknown_parameter")
    assert service.log_in.calls == service.refresh_session.calls == []
    assert (await client.post(f"{path}?", json=body)).is_success


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


async def test_the_list(client: httpx.AsyncClient, service: FakeService) -> None:
    other = replace(A_SESSION, id=OTHER_ID)
    service.list_sessions.outcome = SessionPage(sessions=[other, A_SESSION], next=None)
    answer = await client.get("/v1/sessions", headers=BEARER)
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [SESSION | {"id": str(OTHER_ID), "current": False}, SESSION],
        "next_cursor": None,
    }
    assert answer.headers["cache-control"] == "no-store"
    assert service.list_sessions.calls == [(CALLER, {"limit": 50, "after": None})]


@pytest.mark.parametrize("microsecond", [0, 1, 999_999])
async def test_the_cursor_leads_to_the_next_page(
    client: httpx.AsyncClient, service: FakeService, microsecond: int
) -> None:
    position = SessionPosition(created_at=NOON.replace(microsecond=microsecond), id=OTHER_ID)
    service.list_sessions.outcome = SessionPage(sessions=[A_SESSION], next=position)
    cursor = (await client.get("/v1/sessions", headers=BEARER)).json()["next_cursor"]
    assert (await client.get("/v1/sessions", params={"cursor": cursor}, headers=BEARER)).status_code == 200
    assert service.list_sessions.calls[-1] == (CALLER, {"limit": 50, "after": position})


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_a_limit(client: httpx.AsyncClient, service: FakeService, limit: int) -> None:
    assert (await client.get(f"/v1/sessions?limit={limit}", headers=BEARER)).status_code == 200
    assert service.list_sessions.calls == [(CALLER, {"limit": limit, "after": None})]


BAD_QUERIES = {
    "limit=0": {"/limit": "invalid_limit"},
    "limit=101": {"/limit": "invalid_limit"},
    "limit=": {"/limit": "invalid_limit"},
    "limit": {"/limit": "invalid_limit"},
    "limit=-1": {"/limit": "invalid_limit"},
    "limit=%2B1": {"/limit": "invalid_limit"},
    "limit=1.0": {"/limit": "invalid_limit"},
    "limit=1%0A": {"/limit": "invalid_limit"},
    "limit=%D9%A1": {"/limit": "invalid_limit"},
    f"limit={'9' * 5000}": {"/limit": "invalid_limit"},
    "cursor=": {"/cursor": "invalid_cursor"},
    "cursor=abc": {"/cursor": "invalid_cursor"},
    f"cursor={'A' * 31}%0A": {"/cursor": "invalid_cursor"},
    f"cursor={'A' * 31}%2B": {"/cursor": "invalid_cursor"},
    f"cursor={'_' * 32}&limit=x": {"/limit": "invalid_limit"},
    f"cursor=f{'_' * 31}": {"/cursor": "invalid_cursor"},
    f"cursor=g{'A' * 31}": {"/cursor": "invalid_cursor"},
    "limit=x&cursor=y": {"/limit": "invalid_limit", "/cursor": "invalid_cursor"},
    "limit=1&limit=1": {"/limit": "repeated_parameter"},
    "offset=1&a~/b=": {"/offset": "unknown_parameter", "/a~0~1b": "unknown_parameter"},
    "LIMIT=1": {"/LIMIT": "unknown_parameter"},
    "%FF=1": {"/\ufffd": "unknown_parameter"},
    "limit=%FF": {"/limit": "invalid_limit"},
}


@pytest.mark.parametrize(("query", "refused"), BAD_QUERIES.items(), ids=lambda each: str(each)[:40])
async def test_h12_a_bad_query(
    client: httpx.AsyncClient, service: FakeService, query: str, refused: dict[str, str]
) -> None:
    """H12, and the contract: all that is wrong with it at once."""
    answer = await client.get(f"/v1/sessions?{query}", headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert {each["pointer"]: each["code"] for each in answer.json()["errors"]} == refused
    assert service.list_sessions.calls == []


async def test_a_query_of_ten_thousand_parameters_is_not_told_all_of_it(client: httpx.AsyncClient) -> None:
    query = "&".join(f"p{number}" for number in range(10_000))
    answer = await client.get(f"/v1/sessions?{query}", headers=BEARER)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 50


@pytest.mark.parametrize("session_id", [OTHER_ID, SESSION_ID])
async def test_ending_one(client: httpx.AsyncClient, service: FakeService, session_id: UUID) -> None:
    answer = await client.delete(f"/v1/sessions/{session_id}", headers=BEARER)
    assert (answer.status_code, answer.content) == (204, b"")
    [(caller, given, origin)] = service.end_session.calls
    assert (caller, given, origin.ip_address) == (CALLER, session_id, PEER)


@pytest.mark.parametrize(
    "text",
    ["1", "refreshed", str(OTHER_ID).upper(), OTHER_ID.hex, f"%7B{OTHER_ID}%7D", f"urn:uuid:{OTHER_ID}", "%00", "%FF",
     "..", "x" * 5000],
)  # fmt: skip
async def test_ending_what_is_no_id(client: httpx.AsyncClient, service: FakeService, text: str) -> None:
    """The use case is asked all the same, for it looks whether the caller may ask at all."""
    service.end_session.outcome = SessionNotFound()
    answer = await client.delete(f"/v1/sessions/{text}", headers=BEARER)
    assert answer.status_code == 404
    assert answer.json()["code"] == ("session_not_found" if text != ".." else "not_found")
    if text != "..":
        [(caller, given, _)] = service.end_session.calls
        assert (caller, given) == (CALLER, None)


@pytest.mark.parametrize(("query", "but_current"), [("", False), ("?except=current", True)])
async def test_ending_all(client: httpx.AsyncClient, service: FakeService, query: str, *, but_current: bool) -> None:
    answer = await client.delete(f"/v1/sessions{query}", headers=BEARER)
    assert (answer.status_code, answer.content) == (204, b"")
    [(caller, origin, named)] = service.end_all_sessions.calls
    assert (caller, origin.ip_address, named) == (CALLER, PEER, {"but_current": but_current})


@pytest.mark.parametrize(
    ("query", "code"),
    [("except=", "invalid_except"), ("except=Current", "invalid_except"), (f"except={OTHER_ID}", "invalid_except"),
     ("exept=current", "unknown_parameter"), ("except=current&except=current", "repeated_parameter"),
     ("except=current&except=x", "repeated_parameter")],
)  # fmt: skip
async def test_nothing_ends_by_a_query_that_is_misspelt(
    client: httpx.AsyncClient, service: FakeService, query: str, code: str
) -> None:
    answer = await client.delete(f"/v1/sessions?{query}", headers=BEARER)
    assert answer.status_code == 422
    assert [each["code"] for each in answer.json()["errors"]] == [code]
    assert service.end_all_sessions.calls == []


async def test_h10_o04_other_methods_on_a_session(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/sessions/{OTHER_ID}", headers=BEARER)
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, OPTIONS")
    answer = await client.put("/v1/sessions", headers=BEARER)
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, POST")
