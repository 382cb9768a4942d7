"""What a caller can write of their account, and how: nothing else, nothing hostile, and fairly when at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer, problem_of
from tests.support.database import DatabaseServer
from tests.support.rows import connected, dump

FIELDS = ("username", "given_name", "family_name", "display_name", "phone_number", "locale", "zoneinfo")

NOT_ONES_OWN_TO_WRITE: dict[str, Any] = {
    "id": "0198c6a2-7d4e-7c3a-9b1f-2a5d8e4c6f01", "user_id": "0198c6a2-7d4e-7c3a-9b1f-2a5d8e4c6f01", "sub": "x",
    "email": "eve@example.test", "email_canonical": "eve@example.test", "email_verified": True,
    "username_canonical": "eve", "username_changed_at": [], "password": "x" * 20, "password_hash": "$argon2id$",
    "credentials": [], "status": "active", "disabled": False, "role": "admin", "roles": ["admin"], "is_admin": True,
    "permissions": ["*"], "scope": "admin", "authz_epoch": 9, "created_at": "2000-01-01T00:00:00Z",
    "updated_at": "2000-01-01T00:00:00Z", "picture": "https://evil.test/a.png", "photo_id": "x", "sessions": [],
    "phone_number_verified": True, "__proto__": {"is_admin": True}, "Given_Name": "Eve",
}  # fmt: skip

HOSTILE = {
    "NUL": "A\x00da",
    "escape": "A\x1b[31mda",
    "delete": "Ada\x7f",
    "C1 control": "A\x85da",
    "line feed": "Ada\n",
    "bidi override": "\u202eadA",
    "bidi isolate": "A\u2066da",
    "line separator": "A\u2028da",
    "zero-width space": "A\u200bda",
    "byte order mark": "\ufeffAda",
    "private use": "\ue000",
    "not a character": "A\uffffda",
    "tag characters": "Ada\U000e0041",
    "spaces": "   ",
    "nothing": "",
    "15,000 letters": "x" * 15_000,
    "15,000 accents": "e" + "\u0301" * 2_500,
}


@pytest.fixture(scope="module")
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url, rate_limits=False)) as client:
        yield client


async def patch(client: ServiceClient, session: SignedIn, **body: Any) -> httpx.Response:
    return await client.http.patch("/v1/users/me", json=body, headers=bearer(session.access_token))


async def profile(client: ServiceClient, session: SignedIn) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.profile(session.access_token)).json()
    return answer


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_f01_nothing_is_mass_assigned(client: ServiceClient) -> None:
    """F01: each by itself, all at once, and beside a field that may be written."""
    assert len(NOT_ONES_OWN_TO_WRITE) == 27
    session = await client.signed_in()
    before = await profile(client, session)
    for name, value in NOT_ONES_OWN_TO_WRITE.items():
        answer = await patch(client, session, **{name: value, "locale": "de"})
        assert answer.status_code == 422
        assert problem_of(answer)["errors"] == [
            {"pointer": f"/{name}", "code": "unknown_field", "detail": "There is no such field."}
        ]
    errors = problem_of(await patch(client, session, **NOT_ONES_OWN_TO_WRITE))["errors"]
    assert {error["pointer"] for error in errors} == {f"/{name}" for name in NOT_ONES_OWN_TO_WRITE}
    assert await profile(client, session) == before


RETURNED = {
    "id", "email", "email_verified", "username", "given_name", "family_name", "display_name", "phone_number", "locale",
    "zoneinfo", "picture", "status", "created_at", "updated_at",
}  # fmt: skip
"""No hash, no counter, no key of a store."""


async def test_f01_what_is_needed_is_returned_and_no_more(client: ServiceClient) -> None:
    ada = Person.new()
    signed_up, signed_in = await client.sign_up(ada), await client.log_in(ada.email, ada.password)
    session = SignedIn.of(signed_in)
    changed = await patch(client, session, locale="de")
    told = [signed_up.json(), signed_in.json()["user"], changed.json(), await profile(client, session)]
    assert [set(user) for user in told] == [RETURNED] * 4


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_f02_hostile_text_is_refused_in_every_field(client: ServiceClient, text: str) -> None:
    """F02: and all of them are named."""
    session = await client.signed_in()
    before = await profile(client, session)
    for field in FIELDS:
        answer = await patch(client, session, **{field: text})
        assert answer.status_code == 422, field
        assert [error["pointer"] for error in problem_of(answer)["errors"]] == [f"/{field}"]
    if len(text) < 2_000:
        answer = await patch(client, session, **dict.fromkeys(FIELDS, text))
        assert {error["pointer"] for error in problem_of(answer)["errors"]} == {f"/{field}" for field in FIELDS}
    assert await profile(client, session) == before


async def test_f02_a_megabyte_is_not_read(client: ServiceClient) -> None:
    session = await client.signed_in()
    for field in FIELDS:
        answer = await patch(client, session, **{field: "x" * 1_000_000})
        assert (answer.status_code, problem_of(answer)["code"]) == (413, "content_too_large")


async def test_f02_a_name_is_text_and_nothing_else(client: ServiceClient) -> None:
    session = await client.signed_in()
    for name in ("'; DROP TABLE users; --", '"}{"', "<script>alert(1)</script>", "%s %d {0} $1 \\", "👩\u200d🚀"):
        answer = await patch(client, session, given_name=name, family_name=name, display_name=name)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await profile(client, session))["display_name"] == name


async def test_every_field_is_set_canonical_and_cleared(client: ServiceClient) -> None:
    session = await client.signed_in()
    given = {
        "given_name": "Zoe\u0308", "family_name": "L", "display_name": "D", "phone_number": "+44 (0)20 7946-0123",
        "locale": "ZH-hant-tw", "zoneinfo": "Asia/Taipei",
    }  # fmt: skip
    answer = (await patch(client, session, **given)).json()
    kept = given | {"given_name": "Zoë", "phone_number": "+442079460123", "locale": "zh-Hant-TW"}
    assert {name: answer[name] for name in given} == kept
    assert answer == await profile(client, session)
    answer = (await patch(client, session, **dict.fromkeys(given))).json()
    assert {name: answer[name] for name in given} == dict.fromkeys(given)


async def test_updated_at_moves_with_a_change_only(client: ServiceClient) -> None:
    session = await client.signed_in()
    before = await profile(client, session)
    assert (await patch(client, session)).json() == before
    after = (await patch(client, session, locale="de")).json()
    assert after["updated_at"] > before["updated_at"]
    assert after | {"locale": None, "updated_at": before["updated_at"]} == before


async def test_sign_up_judges_alike(client: ServiceClient) -> None:
    person = Person.new()
    answer = await client.sign_up(person, phone_number="+999 1", locale="en_GB", zoneinfo="Mars/Olympus")
    assert {error["code"] for error in problem_of(answer)["errors"]} == {
        "invalid_phone_number", "invalid_locale", "invalid_zoneinfo",
    }  # fmt: skip
    answer = await client.sign_up(person, phone_number="+1 (201) 555-0123", locale="iw", zoneinfo="UTC")
    body = answer.json()
    assert (body["phone_number"], body["locale"], body["zoneinfo"]) == ("+12015550123", "he", "UTC")


async def test_x13_of_eight_who_want_one_name_at_once_one_gets_it(client: ServiceClient) -> None:
    sessions = [await client.signed_in() for _ in range(8)]
    answers = await asyncio.gather(*(patch(client, session, username="Sought.After") for session in sessions))
    assert statuses(answers) == {200: 1, 409: 7}
    [winner] = [answer.json()["id"] for answer in answers if answer.status_code == 200]
    owners = [
        str(session.user_id) for session in sessions if (await profile(client, session))["username"] == "Sought.After"
    ]
    assert owners == [winner]


async def test_of_four_changes_at_once_three_are_done(client: ServiceClient) -> None:
    session = await client.signed_in()
    names = [f"{session.user_id.hex[-12:]}-{number}" for number in range(4)]
    answers = await asyncio.gather(*(patch(client, session, username=name) for name in names))
    assert statuses(answers) == {200: 3, 422: 1}
    [refused] = [problem_of(answer) for answer in answers if answer.status_code == 422]
    [error] = refused["errors"]
    assert (error["pointer"], error["code"]) == ("/username", "username_changed_too_often")
    assert "again at 2" in error["detail"]


async def test_two_cannot_swap_names(client: ServiceClient) -> None:
    one, other = await client.registered(), await client.registered()
    sessions = await client.signed_in(one), await client.signed_in(other)
    answers = await asyncio.gather(
        patch(client, sessions[0], username=other.username), patch(client, sessions[1], username=one.username)
    )
    assert statuses(answers) == {409: 2}


async def test_different_fields_at_once_lose_nothing(client: ServiceClient) -> None:
    session = await client.signed_in()
    fields = {"given_name": "A", "family_name": "B", "display_name": "C", "phone_number": "+442079460123",
              "locale": "fr", "zoneinfo": "UTC", "username": f"u{session.user_id.hex[-12:]}"}  # fmt: skip
    answers = await asyncio.gather(*(patch(client, session, **{name: value}) for name, value in fields.items()))
    assert statuses(answers) == {200: 7}
    after = await profile(client, session)
    assert {name: after[name] for name in fields} == fields


async def test_a_name_given_up_cannot_be_told_from_one_that_is_taken(client: ServiceClient, database_url: str) -> None:
    owner, other = await client.registered(), await client.signed_in()
    session = await client.signed_in(owner)
    given_up = owner.username
    new_name = f"x{session.user_id.hex[-12:]}"
    assert (await patch(client, session, username=new_name)).status_code == 200
    bodies = []
    for name in (given_up, given_up.upper(), new_name):
        answers = [await patch(client, other, username=name), await client.sign_up(Person.new(), username=name)]
        bodies.append([(answer.status_code, answer.json()) for answer in answers])
    assert bodies[0] == bodies[1] == bodies[2]
    assert [status for status, _ in bodies[0]] == [409, 409]
    async with connected(database_url) as connection:
        text = str(await connection.fetch("SELECT * FROM reserved_usernames"))
    assert given_up not in text
    # Only the address that was typed at sign-up still holds it.
    assert given_up not in (await dump(database_url)).replace(owner.email, "")
    assert (await patch(client, session, username=given_up)).status_code == 200
    assert (await client.log_in(given_up, owner.password)).status_code == 201


async def test_whoever_changes_their_name_signs_in_by_it_and_not_by_the_old_one(client: ServiceClient) -> None:
    person = await client.registered()
    session = await client.signed_in(person)
    await patch(client, session, username=f"new.{person.username}")
    assert (await client.log_in(person.username, person.password)).status_code == 401
    assert (await client.log_in(f"NEW.{person.username}", person.password)).status_code == 201
    assert (await client.log_in(person.email, person.password)).status_code == 201
    assert (await client.profile(session.access_token)).status_code == 200
