"""Strict reading of JSON: what is no JSON, what is another media type, and all refused fields at once."""

import json
from typing import Any

import httpx
import pytest

from domain.errors import InvalidInput, Violation
from tests.unit.interfaces.http.fake_service import (
    BEARER,
    CREDENTIALS,
    POST_ROUTES,
    REGISTRATION,
    FakeService,
    Scripted,
)

JSON = {"Content-Type": "application/json"}
RULED = {
    ("POST", "/v1/users"): "register_user",
    ("PATCH", "/v1/users/me"): "change_profile",
    ("PUT", "/v1/users/me/password"): "change_password",
    ("POST", "/v1/users/me/email"): "request_email_change",
    ("POST", "/v1/password-resets/confirm"): "confirm_password_reset",
    ("POST", "/v1/email-verifications/confirm"): "confirm_email_verification",
}
"""Routes whose bodies have fields with rules, and the use case that knows them."""


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
async def test_json_in_utf_8_is_read(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post("/v1/users", content=json.dumps(REGISTRATION), headers={"Content-Type": content_type})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/jsonp",
        "application/json; charset=utf-7",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "text/plain; application/json",
        "application/json\x0b",
    ],
)
@pytest.mark.parametrize("path", POST_ROUTES)
async def test_h03_no_other_media_type_is_read(
    client: httpx.AsyncClient, service: FakeService, path: str, content_type: str | None
) -> None:
    if path == "/v1/users" and content_type and content_type.startswith("multipart/form-data"):
        # The one route that reads forms too: see test_registrations.
        return
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await client.post(path, content=json.dumps(POST_ROUTES[path]), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert service.use_case(path).calls == []


async def test_h03_h12_two_media_types_are_none(client: httpx.AsyncClient) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    assert (await client.post("/v1/users", content=json.dumps(REGISTRATION), headers=headers)).status_code == 415


MALFORMED = {
    "empty": b"",
    "white space": b" \n",
    "cut": b'{"identifier": "ada", ',
    "two documents": b"{}{}",
    "single quotes": b"{'identifier': 'ada'}",
    "trailing comma": b'{"identifier": "ada",}',
    "comment": b"{} // no",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"identifier": "ada"}'.encode("utf-16"),
    "broken UTF-8": b'{"identifier": "\xff\xfe"}',
    "overlong UTF-8": b'{"identifier": "\xc0\x80"}',
    "surrogate in UTF-8": b'{"identifier": "\xed\xa0\x80"}',
    "lone surrogate": b'{"identifier": "\\ud800", "password": "x"}',
    "lone surrogate in a name": b'{"\\uDC00": 1}',
    "lone surrogate deep down": b'{"x": [{"y": "a\\udfffb"}]}',
    "raw control character": b'{"identifier": "a\x00b"}',
    "raw line feed": b'{"identifier": "a\nb"}',
    "NaN": b'{"identifier": NaN}',
    "infinity": b'{"identifier": -Infinity}',
    "endless integer": b'{"identifier": ' + b"9" * 5000 + b"}",
    "5,000 arrays": b"[" * 5000 + b"]" * 5000,
    "5,000 objects": b'{"a":' * 2500 + b"1" + b"}" * 2500,
    "5,000 arrays in an unknown field": b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "5,000 arrays never closed": b"[" * 5000,
    "one name twice": b'{"identifier": "ada", "password": "x", "identifier": "eve"}',
    "one name twice, escaped": b'{"identifier": "ada", "password": "x", "\\u0069dentifier": "eve"}',
    "one name twice, deep down": b'{"identifier": {"a": 1, "a": 2}}',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_no_json_is_400(client: httpx.AsyncClient, service: FakeService, body: bytes) -> None:
    # A form of the body that is small enough for the route is what is asked about here.
    answer = await client.post("/v1/sessions", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.log_in.calls == []


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"17", b"true", b"[[[]]]"])
@pytest.mark.parametrize("path", POST_ROUTES)
async def test_json_that_is_no_object_is_422(client: httpx.AsyncClient, path: str, body: bytes) -> None:
    answer = await client.post(path, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_brackets_in_a_text_are_no_nesting(client: httpx.AsyncClient, service: FakeService) -> None:
    password = '[{"' * 100 + "\\"
    assert (await client.post("/v1/sessions", json={**CREDENTIALS, "password": password})).status_code == 201
    assert service.log_in.calls[0][0].password == password


async def test_pairs_of_surrogates_are_characters(client: httpx.AsyncClient, service: FakeService) -> None:
    body = b'{"identifier": "ada", "password": "\\ud83d\\uDE00 \\u00e9"}'
    assert (await client.post("/v1/sessions", content=body, headers=JSON)).status_code == 201
    assert service.log_in.calls[0][0].password == "\U0001f600 \u00e9"


def errors(answer: httpx.Response) -> set[tuple[str, str]]:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert all(entry["detail"].endswith(".") for entry in answer.json()["errors"])
    return {(entry["pointer"], entry["code"]) for entry in answer.json()["errors"]}


async def test_all_refused_fields_are_told_at_once(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.post("/v1/users", json={"email": 17, "given_name": ["Ada"], "role": "admin", "id": "mine"})
    assert errors(answer) == {
        ("/email", "wrong_type"),
        ("/given_name", "wrong_type"),
        ("/username", "missing"),
        ("/password", "missing"),
        ("/role", "unknown_field"),
        ("/id", "unknown_field"),
    }
    assert service.register_user.calls == []


@pytest.mark.parametrize("value", [None, 0, 1.5, True, [], {}, ["a"], {"$gt": ""}])
@pytest.mark.parametrize("field", ["identifier", "password"])
async def test_l10_no_type_is_converted(client: httpx.AsyncClient, field: str, value: Any) -> None:
    answer = await client.post("/v1/sessions", json={**CREDENTIALS, field: value})
    assert errors(answer) == {(f"/{field}", "wrong_type")}


@pytest.mark.parametrize("value", ["true", 1, 0, "yes", [], {}])
async def test_remember_is_a_boolean(client: httpx.AsyncClient, value: Any) -> None:
    assert errors(await client.post("/v1/sessions", json={**CREDENTIALS, "remember": value})) == {
        ("/remember", "wrong_type")
    }


@pytest.mark.parametrize("field", ["email_verified", "status", "created_at", "user_id", "Email", "email ", "__proto__"])
async def test_s11_nothing_is_mass_assigned(client: httpx.AsyncClient, field: str) -> None:
    assert errors(await client.post("/v1/users", json={**REGISTRATION, field: True})) == {
        (f"/{field}", "unknown_field")
    }


async def test_pointers_are_escaped(client: httpx.AsyncClient) -> None:
    assert errors(await client.post("/v1/sessions", json={**CREDENTIALS, "a/b~c": 1, "": 2})) == {
        ("/a~1b~0c", "unknown_field"),
        ("/", "unknown_field"),
    }


async def test_a_body_of_unknown_fields_gets_a_bounded_answer(client: httpx.AsyncClient) -> None:
    body = json.dumps({f"x{number}": 0 for number in range(1500)}, separators=(",", ":"))
    answer = await client.post("/v1/sessions", content=body, headers=JSON)
    assert len(answer.json()["errors"]) == 50
    assert len(answer.content) < len(body)


async def test_an_escaped_nul_reaches_the_use_case_as_what_it_is(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    """It is for the parsers of the domain to refuse: no text goes from here to a database."""
    await client.post("/v1/sessions", json={**CREDENTIALS, "identifier": "a\x00da"})
    assert service.log_in.calls[0][0].identifier == "a\x00da"


@pytest.mark.parametrize(("route", "name"), RULED.items(), ids=RULED.values())
async def test_the_rules_are_told_of_with_what_is_no_field(
    client: httpx.AsyncClient, service: FakeService, route: tuple[str, str], name: str
) -> None:
    """And nothing is done, whatever they say."""
    use_case: Scripted = getattr(service, name)
    for outcome, told in (
        (InvalidInput(violations=[Violation("a_field", "no_good", "So it is.")]), {("/a_field", "no_good")}),
        (InvalidInput(violations=[Violation("role", "no_good", "So it is.")]), set()),
        (None, set()),
    ):
        use_case.outcome = outcome
        answer = await client.request(*route, json={"role": "admin"}, headers=BEARER)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
        errors = {(each["pointer"], each["code"]) for each in answer.json()["errors"]}
        assert {each for each in errors if each[1] != "missing"} == {("/role", "unknown_field"), *told}
    assert use_case.calls == []
