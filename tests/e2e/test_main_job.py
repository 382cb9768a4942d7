"""The main job over HTTP, from the first call to the last, and what is refused on the way."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from infrastructure.postgres.embedded import connection_info
from tests.support.client import Person, ServiceClient, SignedIn, bearer, client_of, problem_of
from tests.support.database import data_folder
from tests.support.rows import contents
from tests.support.server import Server, running_server

JSON = {"content-type": "application/json"}
USER_FIELDS = {
    "id", "email", "email_verified", "username", "given_name", "family_name", "display_name", "phone_number",
    "locale", "zoneinfo", "picture", "status", "created_at", "updated_at",
}  # fmt: skip
SESSION_FIELDS = {
    "id", "created_at", "last_used_at", "idle_expires_at", "expires_at", "ip_address", "user_agent", "device",
    "current", "authentication_methods",
}  # fmt: skip


@pytest.fixture(scope="module")
def embedded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As somebody finds it who sets nothing: an embedded PostgreSQL, a secret of its own, all defaults."""
    with data_folder() as folder:
        log = tmp_path_factory.mktemp("embedded") / "log"
        with running_server({"CRM_AUTH_DATA_DIR": str(folder)}, log=log) as server:
            yield server


@pytest.fixture(params=["server", "embedded_server"])
def either_server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
async def anywhere(either_server: Server) -> AsyncIterator[ServiceClient]:
    async with client_of(either_server.url) as client:
        yield client


async def test_the_main_job(anywhere: ServiceClient) -> None:
    ada = Person.new("Ada")
    signed_up = await anywhere.sign_up(ada, given_name="Ada", zoneinfo="Europe/London")
    assert signed_up.status_code == 201
    assert signed_up.headers["location"] == "/v1/users/me"
    assert signed_up.headers["cache-control"] == "no-store"
    user = signed_up.json()
    assert set(user) == USER_FIELDS
    assert (user["email"], user["username"], user["given_name"]) == (ada.email, ada.username, "Ada")
    assert (user["status"], user["email_verified"], user["family_name"]) == ("active", False, None)

    by_email = await anywhere.log_in(ada.email.upper(), ada.password)
    by_username = await anywhere.log_in(ada.username.upper(), ada.password)
    assert (by_email.status_code, by_username.status_code) == (201, 201)
    tokens = by_email.json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["refresh_expires_in"]) == ("Bearer", 300, 3600)
    assert tokens["user"] == user
    assert set(tokens["session"]) == SESSION_FIELDS
    first, second = SignedIn.of(by_email), SignedIn.of(by_username)
    assert first.session_id != second.session_id

    assert (await anywhere.profile(first.access_token)).json() == user
    session = (await anywhere.session(first.access_token)).json()
    assert session == tokens["session"]
    assert (session["current"], session["authentication_methods"]) == (True, ["pwd"])
    assert session["ip_address"] == "127.0.0.1"

    refreshed = await anywhere.refresh(first.refresh_token)
    assert refreshed.status_code == 200
    newer = SignedIn.of(refreshed)
    assert newer.session_id == first.session_id
    assert newer.refresh_token != first.refresh_token
    assert newer.access_token != first.access_token
    assert (await anywhere.profile(newer.access_token)).json() == user

    assert (await anywhere.log_out(newer.access_token)).status_code == 204
    for token in (first.access_token, newer.access_token):
        for answer in (await anywhere.profile(token), await anywhere.session(token), await anywhere.log_out(token)):
            assert (answer.status_code, problem_of(answer)["code"]) == (401, "invalid_token")
    for token in (first.refresh_token, newer.refresh_token):
        answer = await anywhere.refresh(token)
        assert (answer.status_code, problem_of(answer)["code"]) == (401, "invalid_refresh_token")
    assert (await anywhere.profile(second.access_token)).status_code == 200, "another session goes on"


async def test_a_remembered_session_lasts_longer(client: ServiceClient) -> None:
    ada = await client.registered()
    body = {"identifier": ada.email, "password": ada.password, "remember": True}
    assert (await client.http.post("/v1/sessions", json=body)).json()["refresh_expires_in"] == 14 * 24 * 3600


def test_c02_the_folder_of_the_embedded_default_is_closed_to_others(embedded_server: Server) -> None:
    folder = Path(embedded_server.settings["CRM_AUTH_DATA_DIR"])
    assert folder.stat().st_mode & 0o077 == 0
    for entry in folder.rglob("*"):
        assert entry.is_symlink() or entry.stat().st_mode & 0o077 == 0, entry
    assert connection_info(folder).password not in embedded_server.log


GOOD = {"email": "grace@example.test", "username": "grace", "password": "tundra oboe lantern marzipan"}

# Each is refused with this status and code, and these violations as pointer and code.
Refusal = tuple[Any, int, str, set[tuple[str, str]]]
SIGN_UPS: dict[str, Refusal] = {
    "nothing at all": ({}, 422, "invalid_input", {(f"/{name}", "missing") for name in GOOD}),
    "everything wrong at once": (
        {"email": "grace", "username": "-", "password": "short", "locale": "english", "zoneinfo": "Mars/Base"},
        422,
        "invalid_input",
        {
            ("/email", "invalid_email"),
            ("/username", "invalid_username"),
            ("/password", "password_too_short"),
            ("/locale", "invalid_locale"),
            ("/zoneinfo", "invalid_zoneinfo"),
        },
    ),
    "malformed e-mail address": (GOOD | {"email": "grace@@b"}, 422, "invalid_input", {("/email", "invalid_email")}),
    "username that is an address": (
        GOOD | {"username": "grace@example.test"}, 422, "invalid_input", {("/username", "invalid_username")}
    ),
    "username with a control character": (
        GOOD | {"username": "gra\u0000ce"}, 422, "invalid_input", {("/username", "invalid_username")}
    ),
    "name with a control character": (
        GOOD | {"given_name": "Gra\u001bce"}, 422, "invalid_input", {("/given_name", "invalid_name")}
    ),
    "short password": (
        GOOD | {"password": "tundra oboe la"}, 422, "invalid_input", {("/password", "password_too_short")}
    ),
    "common password": (
        GOOD | {"password": "letmeinpassword1"}, 422, "invalid_input", {("/password", "password_common")}
    ),
    "password of the own name": (
        GOOD | {"username": "grace.hopper.navy", "password": "grace.hopper.navy"},
        422, "invalid_input", {("/password", "password_derived")},
    ),
    "oversized password": (
        GOOD | {"password": "tundra oboe lantern marzipan " * 40},
        422, "invalid_input", {("/password", "password_too_long")},
    ),
    "password with a control character": (
        GOOD | {"password": "tundra oboe\u0000 lantern marzipan"},
        422, "invalid_input", {("/password", "invalid_password")},
    ),
    "wrong types": (
        {"email": 1, "username": ["grace"], "password": {"text": "x"}, "given_name": True},
        422,
        "invalid_input",
        {(f"/{name}", "wrong_type") for name in (*GOOD, "given_name")},
    ),
    "unknown fields": (
        GOOD | {"status": "active", "email_verified": True},
        422, "invalid_input", {("/status", "unknown_field"), ("/email_verified", "unknown_field")},
    ),
    "a list": ([GOOD], 422, "invalid_input", set()),
}  # fmt: skip


@pytest.mark.parametrize("refusal", SIGN_UPS.values(), ids=SIGN_UPS)
async def test_bad_sign_up_is_told_all_that_is_wrong(
    client: ServiceClient, database_url: str, refusal: Refusal
) -> None:
    body, status, code, violations = refusal
    before = await contents(database_url)
    answer = await client.http.post("/v1/users", json=body)
    problem = problem_of(answer)
    assert (answer.status_code, problem["code"]) == (status, code)
    assert {(error["pointer"], error["code"]) for error in problem.get("errors", [])} == violations
    assert await contents(database_url) == before, "nothing is left behind"


RAW_BODIES = {
    "not JSON": (b'{"email": ', JSON, 400, "malformed_json"),
    "empty": (b"", JSON, 400, "malformed_json"),
    "not UTF-8": (b'{"email": "\xff\xfe"}', JSON, 400, "malformed_json"),
    "nested 2,000 deep": (b"[" * 2000 + b"]" * 2000, JSON, 400, "malformed_json"),
    "a name twice": (b'{"email": "a@example.test", "email": "b@example.test"}', JSON, 400, "malformed_json"),
    "half a surrogate pair": (b'{"email": "\\ud800"}', JSON, 400, "malformed_json"),
    "a form": (b"email=a&username=b", {"content-type": "application/x-www-form-urlencoded"}, 415, None),
    "plain text": (json.dumps(GOOD).encode(), {"content-type": "text/plain"}, 415, None),
    "no media type": (json.dumps(GOOD).encode(), {}, 415, None),
    "too large": (b'{"email": "' + b"a" * 20_000 + b'"}', JSON, 413, "content_too_large"),
}


@pytest.mark.parametrize("path", ["/v1/users", "/v1/sessions", "/v1/sessions/refresh"])
@pytest.mark.parametrize(("body", "headers", "status", "code"), RAW_BODIES.values(), ids=RAW_BODIES)
async def test_a_body_that_cannot_be_read(
    client: ServiceClient, database_url: str, path: str, body: bytes, headers: dict[str, str], status: int,
    code: str | None,
) -> None:  # fmt: skip
    before = await contents(database_url)
    answer = await client.http.post(path, content=body, headers=headers)
    assert (answer.status_code, problem_of(answer)["code"]) == (status, code or "unsupported_media_type")
    assert await contents(database_url) == before


@pytest.mark.parametrize("path", ["/v1/users", "/v1/sessions"])
async def test_a_body_nested_5000_deep(client: ServiceClient, path: str) -> None:
    body = b'{"email": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    answer = await client.http.post(path, content=body, headers=JSON)
    assert (answer.status_code, problem_of(answer)["code"]) == (400, "malformed_json")


async def test_a_body_that_turns_out_too_large_on_the_way(client: ServiceClient, database_url: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"email": "'
        for _ in range(20):
            yield b"a" * 1000

    before = await contents(database_url)
    answer = await client.http.post("/v1/users", content=body(), headers=JSON)
    assert (answer.status_code, problem_of(answer)["code"]) == (413, "content_too_large")
    assert await contents(database_url) == before


@pytest.mark.parametrize(
    ("email", "username", "code", "named"),
    [
        (str.upper, None, "email_taken", {("/email", "email_taken")}),
        (None, str.upper, "username_taken", {("/username", "username_taken")}),
        (str.upper, str.upper, "email_taken", {("/email", "email_taken"), ("/username", "username_taken")}),
    ],
    ids=["e-mail address", "username", "both"],
)
async def test_a_taken_identifier_in_another_case(
    client: ServiceClient, database_url: str, email: Any, username: Any, code: str, named: set[tuple[str, str]]
) -> None:
    owner, other = await client.registered(), Person.new("other")
    taken = Person(
        email(owner.email) if email else other.email, username(owner.username) if username else other.username,
        other.password,
    )  # fmt: skip
    before = await contents(database_url)
    answer = await client.sign_up(taken)
    problem = problem_of(answer)
    assert (answer.status_code, problem["code"]) == (409, code)
    assert {(error["pointer"], error["code"]) for error in problem["errors"]} == named
    assert await contents(database_url) == before
    assert (await client.log_in(owner.email, owner.password)).status_code == 201


BAD_LOG_INS: dict[str, Refusal] = {
    "nothing": ({}, 422, "invalid_input", {("/identifier", "missing"), ("/password", "missing")}),
    "wrong types": (
        {"identifier": 1, "password": None, "remember": "yes"},
        422,
        "invalid_input",
        {(f"/{name}", "wrong_type") for name in ("identifier", "password", "remember")},
    ),
    "unknown field": (
        {"identifier": "ada", "password": "x", "session_id": "chosen"},
        422,
        "invalid_input",
        {("/session_id", "unknown_field")},
    ),
    "oversized password": (
        {"identifier": "ada", "password": "x" * 1025},
        422,
        "invalid_input",
        {("/password", "password_too_long")},
    ),
}


@pytest.mark.parametrize("refusal", BAD_LOG_INS.values(), ids=BAD_LOG_INS)
async def test_bad_sign_in(client: ServiceClient, database_url: str, refusal: Refusal) -> None:
    body, status, code, violations = refusal
    before = await contents(database_url)
    answer = await client.http.post("/v1/sessions", json=body)
    problem = problem_of(answer)
    assert (answer.status_code, problem["code"]) == (status, code)
    assert {(error["pointer"], error["code"]) for error in problem["errors"]} == violations
    assert await contents(database_url) == before


async def test_a_wrong_password_leaves_a_record_and_nothing_else(client: ServiceClient, database_url: str) -> None:
    ada = await client.registered()
    before = await contents(database_url)
    answer = await client.log_in(ada.email, f"{ada.password}.")
    assert (answer.status_code, problem_of(answer)["code"]) == (401, "invalid_credentials")
    after = await contents(database_url)
    events = set(after.pop("events")) - set(before.pop("events"))
    assert after == before
    assert len(events) == 1
    assert "log_in.failed" in events.pop()


def _spoilt(token: str) -> Iterator[tuple[str, str]]:
    flipped = "A" if token[40] != "A" else "B"
    yield "cut", token[:-1]
    yield "cut in half", token[: len(token) // 2]
    yield "longer", f"{token}A"
    yield "altered", f"{token[:40]}{flipped}{token[41:]}"
    yield "in another case", token.swapcase()
    yield "with a NUL", f"{token[:50]}\0{token[51:]}"
    yield "with white space", f" {token}"
    yield "guessed", "crm_rt_" + "A" * 96
    yield "empty", ""
    yield "of no letters", "…" * 103


async def test_r09_r10_a_refresh_token_that_is_not_ours_changes_nothing(
    client: ServiceClient, database_url: str
) -> None:
    session = await client.signed_in()
    before = await contents(database_url)
    for name, token in _spoilt(session.refresh_token):
        answer = await client.refresh(token)
        assert (answer.status_code, problem_of(answer)["code"]) == (401, "invalid_refresh_token"), name
    access_token = await client.refresh(session.access_token)
    assert (access_token.status_code, problem_of(access_token)["code"]) == (401, "invalid_refresh_token")
    assert await contents(database_url) == before
    assert (await client.refresh(session.refresh_token)).status_code == 200


async def test_what_is_no_access_token(client: ServiceClient) -> None:
    session = await client.signed_in()
    for authorization in (session.access_token, f"Basic {session.access_token}", "", "Bearer"):
        answer = await client.http.get("/v1/users/me", headers={"Authorization": authorization})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for token in (session.refresh_token, f"{session.access_token}x", session.access_token[:-1], "x.y.z"):
        answer = await client.profile(token)
        assert (answer.status_code, problem_of(answer)["code"]) == (401, "invalid_token")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_h10_unknown_paths_and_methods(client: ServiceClient) -> None:
    session = await client.signed_in()
    for path in ("/v1/nothing", "/v1/users/1", "/v1/sessions/current/x", "/V1/users"):
        answer = await client.http.get(path, headers=bearer(session.access_token))
        assert (answer.status_code, problem_of(answer)["code"]) in {(404, "not_found"), (405, "method_not_allowed")}
    answer = await client.http.put("/v1/users", json={})
    assert (answer.status_code, problem_of(answer)["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"OPTIONS", "POST"}


async def test_l09_two_sessions_never_share_an_id_or_a_token(client: ServiceClient) -> None:
    """L09: nothing of a new session is taken from the client."""
    ada = await client.registered()
    first = await client.signed_in(ada)
    headers = bearer(first.access_token) | {"Cookie": f"sid={first.session_id}; session={first.refresh_token}"}
    second = SignedIn.of(await client.log_in(ada.email, ada.password, **headers))
    assert len({first.session_id, second.session_id}) == 2
    assert len({first.access_token, first.refresh_token, second.access_token, second.refresh_token}) == 4


async def test_liveness_readiness_and_keys(client: ServiceClient) -> None:
    assert (await client.http.get("/health/live")).json() == {"status": "ok"}
    ready = (await client.http.get("/health/ready")).json()
    assert ready == {"status": "ok", "parts": {"database": "ok", "schema": "ok"}}
    keys = (await client.http.get("/.well-known/jwks.json")).json()["keys"]
    assert len(keys) == 2
    assert all("d" not in key for key in keys)
