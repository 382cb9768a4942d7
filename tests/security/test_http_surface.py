"""What a stranger can throw at the transport: no failure, no leak, no difference that tells anything (H01 to H12)."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import structlog

from domain.sessions.errors import InvalidAccessToken, InvalidCredentials, InvalidRefreshToken
from tests.unit.interfaces.http.fake_service import (
    BEARER,
    CALLER_BODIES,
    CALLER_ROUTES,
    GOOD_TOKEN,
    POST_ROUTES,
    FakeService,
    client_of,
)

JSON = {"Content-Type": "application/json"}
PROBLEM_STATUSES = {400, 401, 413, 415, 422}

HOSTILE_BODIES = {
    "empty": b"",
    "space": b" ",
    "null": b"null",
    "true": b"true",
    "zero": b"0",
    "text": b'"text"',
    "array": b"[]",
    "array of objects": b"[{}]",
    "object": b"{}",
    "open object": b"{",
    "closing only": b"}",
    "NUL": b"\x00",
    "NULs": b"\x00" * 4000,
    "NUL in a text": b'{"identifier":"a\\u0000b","password":"a\\u0000b","email":"a\\u0000b","username":"\\u0000"}',
    "raw NUL in a text": b'{"identifier":"a\x00b"}',
    "broken UTF-8": b'{"identifier":"\xff"}',
    "cut UTF-8": b'{"identifier":"\xe2\x82',
    "UTF-16": '{"identifier":"ada"}'.encode("utf-16"),
    "UTF-32": '{"identifier":"ada"}'.encode("utf-32"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "lone surrogate": b'{"identifier":"\\ud800","password":"\\udfff","refresh_token":"\\ud800","email":"\\ud800"}',
    "surrogate name": b'{"\\ud800":1}',
    "5,000 arrays": b"[" * 5000 + b"]" * 5000,
    "5,000 objects": b'{"a":' * 2500 + b"0" + b"}" * 2500,
    "5,000 arrays under a known name": b'{"password":' + b"[" * 4000 + b"]" * 4000 + b"}",
    "NaN": b'{"password":NaN}',
    "infinity": b"[1e999, -1e999, Infinity]",
    "endless integer": b"1" * 8000,
    "endless fraction": b"0." + b"1" * 8000,
    "endless exponent": b"1e" + b"9" * 3000,
    "same name twice": b'{"password":"a","password":"b"}',
    "prototype": b'{"__proto__":{"x":1},"constructor":{"prototype":{}}}',
    "operator": b'{"identifier":{"$ne":null},"password":{"$ne":null}}',
    "markup": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "form": b"identifier=ada&password=x",
    "MessagePack": b"\x82\xaaidentifier\xa3ada\xa8password\xa1x",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "huge text": b'{"password":"' + b"x" * 20_000 + b'"}',
    "bidi": '{"username":"\u202eada","identifier":"\u2066","password":"\u202e"}'.encode(),
    "many names": json.dumps({f"k{n}": n for n in range(1000)}).encode(),
}


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def client(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service.app()) as client:
        yield client


def assert_problem(answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"]
    assert problem["type"].endswith(f"/errors#{problem['code']}")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", POST_ROUTES)
async def test_h01_h02_h03_no_body_is_a_failure(
    client: httpx.AsyncClient, service: FakeService, path: str, content_type: str
) -> None:
    assert len(HOSTILE_BODIES) >= 36
    for name, body in HOSTILE_BODIES.items():
        answer = await client.post(path, content=body, headers={"Content-Type": content_type})
        assert answer.status_code in PROBLEM_STATUSES, name
        assert_problem(answer)
    # What gets through is text where text is asked for; judging it is the domain's business.
    assert service.use_case(path).calls == []


@pytest.mark.parametrize(("method", "path"), CALLER_ROUTES)
async def test_h01_no_body_of_a_caller_is_a_failure(client: httpx.AsyncClient, method: str, path: str) -> None:
    reads_one = (path in CALLER_BODIES and method != "GET") or method == "PUT"
    for name, body in HOSTILE_BODIES.items():
        answer = await client.request(method, path, content=body, headers=JSON | BEARER)
        # An empty object is a patch that changes nothing.
        nothing = method == "PATCH" and name == "object"
        assert answer.status_code in PROBLEM_STATUSES if reads_one and not nothing else answer.is_success, name


LIMITS = {"/v1/users": 16 * 1024, "/v1/sessions": 16 * 1024, "/v1/sessions/refresh": 4 * 1024}


def padded(path: str, size: int) -> bytes:
    body = json.dumps(POST_ROUTES[path]).encode()
    return body + b" " * (size - len(body))


@pytest.mark.parametrize(("path", "limit"), LIMITS.items())
async def test_d04_l13_a_body_ends_at_its_limit(client: httpx.AsyncClient, path: str, limit: int) -> None:
    assert (await client.post(path, content=padded(path, limit), headers=JSON)).is_success
    answer = await client.post(path, content=padded(path, limit + 1), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
    assert_problem(answer)


@pytest.mark.parametrize(("path", "limit"), LIMITS.items())
async def test_d04_a_body_without_a_length_ends_at_its_limit_too(
    client: httpx.AsyncClient, service: FakeService, path: str, limit: int
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 64 * 1024 * 1024:
            sent += 1024
            yield b" " * 1024

    answer = await client.post(path, content=endless(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
    assert sent <= limit + 2048
    assert service.use_case(path).calls == []


async def test_h11_a_length_that_is_none(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/sessions", content=b"{}", headers={**JSON, "Content-Length": "many"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def without_request_id(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "x-request-id"]
    return answer.status_code, headers, answer.content


async def test_l01_equal_refusals_are_equal_in_every_byte(client: httpx.AsyncClient, service: FakeService) -> None:
    """L01: whoever compares answers learns nothing, not from an order of headers either."""
    service.log_in.outcome = InvalidCredentials()
    bodies = [
        {"identifier": "ada", "password": "wrong"},
        {"identifier": "nobody@example.test", "password": "x" * 500, "remember": True},
        {"identifier": "\x00", "password": ""},
    ]
    answers = [await client.post("/v1/sessions", json=body) for body in bodies]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
    assert len({str(without_request_id(answer)) for answer in answers}) == 1


async def test_equal_token_refusals_are_equal_in_every_byte(client: httpx.AsyncClient, service: FakeService) -> None:
    service.refresh_session.outcome = InvalidRefreshToken()
    service.view_profile.outcome = InvalidAccessToken()
    refresh = [await client.post("/v1/sessions/refresh", json={"refresh_token": text}) for text in ("", "a", "é" * 99)]
    assert len({str(without_request_id(answer)) for answer in refresh}) == 1
    tokens = ["", "forged", GOOD_TOKEN, "a.b.c"]
    access = [await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"}) for token in tokens]
    assert len({str(without_request_id(answer)) for answer in access}) == 1


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://service.test"])
async def test_h04_no_other_site_may_read_answers(client: httpx.AsyncClient, origin: str) -> None:
    """H04: closed until an operator opens it."""
    for method in ("GET", "OPTIONS"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        answer = await client.request(method, "/v1/users/me", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.test"},
        {"X-Forwarded-Host": "evil.test"},
        {"X-Forwarded-Proto": "gopher", "X-Forwarded-Prefix": "//evil.test"},
        {"Forwarded": "host=evil.test;proto=gopher"},
        {"X-Original-URL": "/health/live", "X-Rewrite-URL": "/health/live"},
        {"X-Script-Name": "//evil.test"},
    ],
)
async def test_h08_no_header_finds_its_way_into_a_link(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """T7, H08."""
    answers = [
        await client.post("/v1/users", json=POST_ROUTES["/v1/users"], headers=headers),
        await client.get("/v1/users/me", headers=headers),
        await client.get("/", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [201, 401, 307]
    for answer in answers:
        assert "evil" not in f"{answer.headers}{answer.text}"
        assert "gopher" not in f"{answer.headers}{answer.text}"


CANARY = "canary-4f1c"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    caplog.set_level(logging.DEBUG)
    # The client that sends it all may say so.
    caplog.set_level(logging.CRITICAL, logger="httpx")
    with structlog.testing.capture_logs() as entries:

        def everything() -> str:
            captured = capsys.readouterr()
            return f"{entries}{caplog.text}{captured.out}{captured.err}"

        yield everything


@pytest.mark.parametrize("path", POST_ROUTES)
async def test_g02_what_is_sent_is_not_logged(client: httpx.AsyncClient, logged: Any, path: str) -> None:
    """G02: also not what was put into the wrong place."""
    headers = {"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, "X-Canary": CANARY, "User-Agent": CANARY}
    for body in (dict.fromkeys(POST_ROUTES[path], CANARY), {CANARY: CANARY}, [CANARY], CANARY):
        answer = await client.post(f"{path}?token={CANARY}", json=body, headers=headers | {"Referer": CANARY})
        assert answer.status_code < 500
    await client.get(f"/v1/users/me?access_token={CANARY}", headers=headers)
    text = logged()
    assert "'status': 422" in text
    assert CANARY not in text


async def test_g02_h02_refusals_do_not_repeat_what_was_sent(client: httpx.AsyncClient) -> None:
    """H02: no value of a field is in an answer, whatever is wrong with it."""
    for path, body in POST_ROUTES.items():
        for value in (CANARY, [CANARY], {CANARY: CANARY}):
            answer = await client.post(path, json=dict.fromkeys(body, value) | {"x": CANARY})
            assert answer.status_code == 422
            assert CANARY not in answer.text
