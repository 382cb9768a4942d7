"""Names, addresses and passwords as strangers give them, over HTTP: who passes for whom, and what is kept whole."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, problem_of
from tests.support.database import DatabaseServer
from tests.support.mailbox import messages
from tests.support.rows import connected

WORDS = "walnut ferry copper sunday "


@pytest.fixture(scope="module")
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture(scope="module")
async def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identifiers") / "mail"


@pytest.fixture(scope="module")
async def client(database_url: str, mailbox: Path) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url, rate_limits=False, worker=True, mail_url=mailbox.as_uri())) as client:
        yield client


async def sign_up(client: ServiceClient, **changes: Any) -> httpx.Response:
    return await client.http.post("/v1/users", json=Person.new().registration | changes)


def refused_at(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {error["pointer"] for error in problem_of(answer)["errors"]}


LENGTHS = {7: False, 8: False, 14: False, 15: True, 64: True, 1024: True, 1025: False}


@pytest.mark.parametrize("length", LENGTHS)
async def test_s01_lengths_of_a_password(client: ServiceClient, length: int) -> None:
    password = ("x7 Qm2-kelp vapor=" * 60)[:length]
    person = Person(*(Person.new().email, Person.new().username), password)
    answer = await client.sign_up(person)
    assert answer.status_code == (201 if LENGTHS[length] else 422), answer.text
    if LENGTHS[length]:
        assert (await client.log_in(person.email, password)).status_code == 201
        assert (await client.log_in(person.email, password[:-1])).status_code == 401, "it is used whole"


@pytest.mark.parametrize(
    "password",
    [
        "gravelmothpaintorbit",
        "  spaces at both ends  ",
        "t\u00fct\u00fc b\u00fcr\u00fcmc\u00fck fj\u00e6rland \u00e5ngstr\u00f6m",
        "🦉🌵🚲🎻🧊🪁🍄🦀🎈🪐🧩🥝🐌🌋🪵",
        "8302 5517 0946 2731",
    ],
)
async def test_s02_s04_no_kind_of_character_is_asked_for_and_all_are_used(client: ServiceClient, password: str) -> None:
    person = Person(Person.new().email, Person.new().username, password)
    assert (await client.sign_up(person)).status_code == 201
    assert (await client.log_in(person.username, password)).status_code == 201
    for other in {password.strip(), password.upper(), password + " "} - {password}:
        assert (await client.log_in(person.username, other)).status_code == 401


async def test_s03_a_guess_is_refused_with_its_reason(client: ServiceClient) -> None:
    ada = Person.new()
    for password in ("passwordpassword", "123456789012345", "qwertyuiopasdfgh", ada.username * 3, ada.email):
        answer = await client.sign_up(Person(ada.email, ada.username, password))
        assert refused_at(answer) == {"/password"}, password
        [error] = problem_of(answer)["errors"]
        assert error["code"].startswith("password_")
        assert error["detail"]


@pytest.mark.parametrize("cut", ["\0", "\r\n", "\n", "\x1b", "\x7f", "\x85"])
async def test_s05_nothing_cuts_a_password(client: ServiceClient, cut: str) -> None:
    """Refused when it is chosen; given at sign-in, it is another password than what stands before it."""
    assert refused_at(await sign_up(client, password=f"{WORDS}{cut}behind")) == {"/password"}
    person = await client.registered()
    assert (await client.log_in(person.email, f"{person.password}{cut}")).status_code == 401
    assert (await client.log_in(person.email, f"{person.password}{cut}behind")).status_code == 401


LOOKALIKES = (
    "\u0430dmin.lookalike",
    "admin.l\u043eokalike",
    "\u03b1dmin.lookalike",
    "\uff41dmin.lookalike",
    "admin.looka\u0131ike",
    "\u00e4dmin.lookalike",
    "admin.lookalike\u0301",
    "admin\u200b.lookalike",
    "admin.lookalike\u200d",
    "admin.lookalike\u00ad",
    "\u202eadmin.lookalike",
    "admin\u3002lookalike",
    "admin\u00a0lookalike",
    "admin.lookalike ",
    " admin.lookalike",
)


async def test_s06_no_name_passes_for_another(client: ServiceClient) -> None:
    assert (await sign_up(client, username="admin.lookalike")).status_code == 201
    for name in LOOKALIKES:
        assert refused_at(await sign_up(client, username=name)) == {"/username"}, ascii(name)
    for name in ("Admin.Lookalike", "ADMIN.LOOKALIKE"):
        answer = await sign_up(client, username=name)
        assert (answer.status_code, problem_of(answer)["code"]) == (409, "username_taken")


async def test_s07_no_name_is_somebodys_address(client: ServiceClient) -> None:
    victim = await client.registered("victim")
    for name in (victim.email, victim.email.upper(), victim.email.replace("@", "\uff20"), f'"{victim.email}"'):
        assert refused_at(await sign_up(client, username=name)) == {"/username"}
    answer = await client.log_in(victim.email, victim.password)
    assert answer.json()["user"]["username"] == victim.username


async def test_s08_spellings_of_one_address_are_one_account(client: ServiceClient, database_url: str) -> None:
    kelly = Person("Kelly.Kay@Bücher.Example", Person.new().username, f"{WORDS}kelly")
    assert (await client.sign_up(kelly)).status_code == 201
    same = ("kelly.kay@bücher.example", "KELLY.KAY@BÜCHER.EXAMPLE", "kelly.kay@xn--bcher-kva.example",
            "kelly.kay@bu\u0308cher.example")  # fmt: skip
    for spelling in same:
        assert (await client.log_in(spelling, kelly.password)).status_code == 201, ascii(spelling)
        answer = await sign_up(client, email=spelling)
        assert (answer.status_code, problem_of(answer)["code"]) == (409, "email_taken"), ascii(spelling)
    for other in (
        "\u212aelly.kay@bücher.example",
        "kelly.kay\uff20bücher.example",
        "kelly.kay@b\u00fccher.example\u200b",
    ):
        assert refused_at(await sign_up(client, email=other)) == {"/email"}, ascii(other)
        assert (await client.log_in(other, kelly.password)).status_code == 401
        assert (await client.http.post("/v1/password-resets", json={"email": other})).status_code == 422
    async with connected(database_url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM users WHERE email_canonical LIKE 'kelly.kay@%'") == 1


RECIPIENTS = (
    "ada@example.test\r\nBcc: eve@example.test", "ada@example.test\nTo: eve@example.test",
    "ada@example.test,eve@example.test",
    "ada@example.test;eve@example.test", "Ada <eve@example.test>", "<eve@example.test>",
    "ada@example.test eve@example.test",
    '"ada\r\n"@example.test', "ada@example.test%0ABcc:eve@example.test",
)  # fmt: skip


async def test_s09_an_address_is_one_recipient(client: ServiceClient, mailbox: Path) -> None:
    for address in RECIPIENTS:
        assert refused_at(await sign_up(client, email=address)) == {"/email"}
        for path in ("/v1/password-resets", "/v1/email-verifications"):
            assert (await client.http.post(path, json={"email": address})).status_code == 422
    assert [mail["to"] for mail in messages(mailbox) if "eve" in mail.as_string()] == []


NOT_TO_BE_GIVEN: dict[str, Any] = {
    "id": "0198c6a2-7d4e-7c3a-9b1f-2a5d8e4c6f01", "user_id": "0198c6a2-7d4e-7c3a-9b1f-2a5d8e4c6f01",
    "role": "admin", "roles": ["admin"], "is_admin": True, "email_verified": True, "verified": True,
    "status": "active", "scope": "admin", "amr": ["otp"], "permissions": ["*"], "client_id": "x", "authz_epoch": 9,
    "created_at": "2000-01-01T00:00:00Z", "__proto__": {"is_admin": True}, "Email": "eve@example.test",
}  # fmt: skip


async def test_s11_nothing_in_a_body_grants_a_right(client: ServiceClient) -> None:
    ada = await client.registered()
    paths = {"/v1/sessions": {"identifier": ada.email, "password": ada.password}}
    for name, value in NOT_TO_BE_GIVEN.items():
        for path, body in (paths | {"/v1/users": Person.new().registration}).items():
            answer = await client.http.post(path, json=body | {name: value})
            assert refused_at(answer) == {f"/{name}"}, path
    answer = await client.log_in(ada.email, ada.password)
    assert answer.json()["user"]["email_verified"] is False


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["x"], {"$ne": ""}], ids=json.dumps)
async def test_l10_types_are_strict(client: ServiceClient, value: object) -> None:
    for name in ("identifier", "password"):
        body = {"identifier": "ada", "password": WORDS} | {name: value}
        assert refused_at(await client.http.post("/v1/sessions", json=body)) == {f"/{name}"}
