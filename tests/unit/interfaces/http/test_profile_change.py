"""Changing the own account on the wire: a merge patch, in which absent and null differ."""

import json
from typing import Any

import httpx
import pytest

from domain.accounts.errors import UsernameTaken
from domain.errors import InvalidInput, Violation
from tests.unit.interfaces.http.fake_service import BEARER, CALLER, FakeService
from tests.unit.interfaces.http.test_accounts import USER

PATH = "/v1/users/me"
OPTIONAL = ("given_name", "family_name", "display_name", "phone_number", "locale", "zoneinfo")


async def patch(client: httpx.AsyncClient, body: Any, content_type: str = "application/json") -> httpx.Response:
    headers = {**BEARER, "Content-Type": content_type}
    return await client.patch(PATH, content=body if isinstance(body, bytes) else json.dumps(body), headers=headers)


def errors(answer: httpx.Response) -> set[tuple[str, str]]:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    return {(error["pointer"], error["code"]) for error in answer.json()["errors"]}


async def test_the_answer_is_the_account(client: httpx.AsyncClient) -> None:
    answer = await patch(client, {"given_name": "Ada"})
    assert (answer.status_code, answer.json()) == (200, USER)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "username", "profile"),
    [
        ({}, None, {}),
        ({"username": "Lady.Ada"}, "Lady.Ada", {}),
        ({"given_name": None}, None, {"given_name": None}),
        ({"given_name": ""}, None, {"given_name": ""}),
        (dict.fromkeys(OPTIONAL), None, dict.fromkeys(OPTIONAL)),
        ({"username": "ada", "locale": "en", "zoneinfo": None}, "ada", {"locale": "en", "zoneinfo": None}),
    ],
)
async def test_what_is_absent_is_not_what_is_null(
    client: httpx.AsyncClient, service: FakeService, body: Any, username: str | None, profile: Any
) -> None:
    assert (await patch(client, body)).status_code == 200
    [(caller, given_username, given_profile, origin)] = service.change_profile.calls
    assert (caller, given_username, given_profile) == (CALLER, username, profile)
    assert origin.request_id


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/merge-patch+json", "Application/Merge-Patch+JSON; charset=utf-8"],
)
async def test_both_types_are_read(client: httpx.AsyncClient, content_type: str) -> None:
    assert (await patch(client, {"locale": "en"}, content_type)).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/json-patch+json",
        "application/+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/merge-patch+json; charset=utf-16",
        "application/merge-patch+json, text/plain",
    ],
)
async def test_h03_no_other_type_is_read_and_the_right_ones_are_told(
    client: httpx.AsyncClient, service: FakeService, content_type: str
) -> None:
    """RFC 5789 2.2."""
    answer = await patch(client, {"locale": "en"}, content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["accept-patch"] == "application/json, application/merge-patch+json"
    assert service.change_profile.calls == []


async def test_a_merge_patch_is_read_nowhere_else(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = await client.post("/v1/sessions", content=b'{"identifier": "a", "password": "b"}', headers=headers)
    assert answer.status_code == 415
    assert "accept-patch" not in answer.headers


@pytest.mark.parametrize("value", [None, 1, True, [], {}, ["ada"]])
async def test_a_username_is_text(client: httpx.AsyncClient, value: Any) -> None:
    assert errors(await patch(client, {"username": value})) == {("/username", "wrong_type")}


@pytest.mark.parametrize("field", OPTIONAL)
@pytest.mark.parametrize("value", [1, False, [], {}, [None], {"formatted": "x"}])
async def test_an_optional_field_is_text_or_null(client: httpx.AsyncClient, field: str, value: Any) -> None:
    assert errors(await patch(client, {field: value})) == {(f"/{field}", "wrong_type")}


async def test_all_that_is_wrong_is_named_at_once(client: httpx.AsyncClient, service: FakeService) -> None:
    assert errors(
        await patch(client, {"username": None, "locale": 1, "email": "eve@example.test", "role": "admin"})
    ) == {
        ("/username", "wrong_type"),
        ("/locale", "wrong_type"),
        ("/email", "unknown_field"),
        ("/role", "unknown_field"),
    }
    assert service.change_profile.calls == []


@pytest.mark.parametrize("body", [b"", b"{", b'{"locale":"en","locale":"de"}', b"\xff", b'{"locale":"\\ud800"}'])
async def test_what_is_no_json(client: httpx.AsyncClient, service: FakeService, body: bytes) -> None:
    answer = await patch(client, body, "application/merge-patch+json")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert service.change_profile.calls == []


@pytest.mark.parametrize("body", [[], "text", 1, None])
async def test_what_is_no_object(client: httpx.AsyncClient, body: Any) -> None:
    """RFC 7396 2 would put it in the place of the account."""
    assert (await patch(client, body)).status_code == 422


async def test_refusals(client: httpx.AsyncClient, service: FakeService) -> None:
    service.change_profile.outcome = UsernameTaken()
    answer = await patch(client, {"username": "bob"})
    assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")
    service.change_profile.outcome = InvalidInput(
        violations=[Violation("username", "username_changed_too_often", "When.")]
    )
    assert errors(await patch(client, {"username": "bob"})) == {("/username", "username_changed_too_often")}
