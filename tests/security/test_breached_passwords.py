"""Passwords that were published are refused wherever one is set, by the service as it comes (S03)."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from application.accounts.registration import Registration
from application.origin import NOWHERE, Origin
from bootstrap.container import for_operator, make_container
from bootstrap.lifespan import StartRefused, running
from domain.errors import InvalidInput
from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, bearer, problem_of
from tests.support.filters import filter_of
from tests.support.server import run_crm_auth, settings_on

PUBLISHED = "jacksonToniMontana87"
"""In the list that comes along, and taken by whoever judges by patterns."""


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url)) as client:
        yield client


def violations(answer: httpx.Response) -> tuple[int, list[tuple[str, str]]]:
    problem = problem_of(answer)
    assert PUBLISHED not in answer.text
    return answer.status_code, [(each["pointer"], each["code"]) for each in problem["errors"]]


async def reset_token(database_url: str, client: ServiceClient) -> str:
    """By an operator's link."""
    session = await client.signed_in()
    async with running(make_container(settings_for(database_url))) as container:
        link = await container.use_cases.start_password_reset()(session.user_id, Origin(operator="root"))
    return parse_qs(urlsplit(link.url).query)["token"][0]


@pytest.mark.parametrize("answer", ["plain", "neutral"])
async def test_s03_a_published_password_is_refused_at_sign_up(database_url: str, answer: str) -> None:
    ada = Person("ada@example.test", "ada", PUBLISHED)

    async with served(settings_for(database_url, signup_answer=answer)) as client:
        refused = await client.sign_up(ada)

    assert violations(refused) == (422, [("/password", "password_breached")])


async def test_s03_a_published_password_is_refused_at_a_change(client: ServiceClient) -> None:
    person = await client.registered()
    session = await client.signed_in(person)
    change = {"current_password": person.password, "new_password": PUBLISHED}

    refused = await client.http.put("/v1/users/me/password", json=change, headers=bearer(session.access_token))

    assert violations(refused) == (422, [("/new_password", "password_breached")])


async def test_s03_a_published_password_is_refused_at_a_reset(database_url: str, client: ServiceClient) -> None:
    reset = {"token": await reset_token(database_url, client), "new_password": PUBLISHED}

    refused = await client.http.post("/v1/password-resets/confirm", json=reset)

    assert violations(refused) == (422, [("/new_password", "password_breached")])
    good = await client.http.post("/v1/password-resets/confirm", json=reset | {"new_password": f"{PUBLISHED} indeed"})
    assert good.status_code == 204


async def test_s03_a_published_password_is_refused_to_operators_unless_they_say_off(database_url: str) -> None:
    """As `crm-auth users create` registers."""
    registration = Registration(email="ada@example.test", username="ada", password=PUBLISHED)

    async with running(make_container(settings_for(database_url))) as container:
        with pytest.raises(InvalidInput) as refusal:
            await for_operator(container)(registration, NOWHERE)
    async with running(make_container(settings_for(database_url, breached_passwords="off"))) as container:
        assert await for_operator(container)(registration, NOWHERE)

    assert [(each.field, each.code) for each in refusal.value.violations] == [("password", "password_breached")]


async def test_a_filter_of_the_operators_takes_the_place_of_ours(database_url: str, tmp_path: Path) -> None:
    theirs = filter_of(tmp_path / "filter", ["known to the operator"])

    async with served(settings_for(database_url, breached_passwords=str(theirs))) as client:
        refused = await client.sign_up(Person("ada@example.test", "ada", "known to the operator"))
        taken = await client.sign_up(Person("ada@example.test", "ada", PUBLISHED))

    assert violations(refused) == (422, [("/password", "password_breached")])
    assert taken.status_code == 201


def test_a_damaged_filter_stops_the_start_in_a_sentence(tmp_path: Path) -> None:
    """Before anything else is started: no database is there either."""
    theirs = filter_of(tmp_path / "filter", ["known to the operator"])
    contents = bytearray(theirs.read_bytes())
    contents[70] ^= 1
    theirs.write_bytes(contents)

    served = run_crm_auth(
        "serve", settings=settings_on("postgresql://127.0.0.1:1/none", breached_passwords=str(theirs))
    )

    assert served.returncode == 1
    assert f"crm-auth: {theirs} is damaged: part 1 of 1 has another checksum." in served.stderr


async def test_a_missing_filter_stops_what_is_not_started_by_serve(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, breached_passwords=str(tmp_path / "nowhere"))

    with pytest.raises(StartRefused, match="nowhere: No such file"):
        async with running(make_container(settings)):
            pass
