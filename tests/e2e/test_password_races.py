"""A password that changes, and an account that ends, while its sessions are refreshed (I5, A03, P02)."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import chain
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from application.origin import Origin
from bootstrap.container import Container, make_container
from bootstrap.lifespan import running
from tests.support.application import settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer, client_of
from tests.support.figures import figure
from tests.support.rows import connected
from tests.support.server import Server

ROUNDS = int(os.environ.get("TEST_PASSWORD_ROUNDS", "3"))
OPERATOR = Origin(operator="root")
NEW = "saffron ladder orbit velvet"
REFRESHES = 8

Ending = Callable[[ServiceClient, Person, SignedIn], Awaitable[httpx.Response]]


@pytest.fixture
def server(eager_server: Server) -> Server:
    """Sixteen checks at once, and none refused for having waited."""
    return eager_server


async def change_password(client: ServiceClient, person: Person, session: SignedIn, new: str = NEW) -> httpx.Response:
    body = {"current_password": person.password, "new_password": new}
    return await client.http.put("/v1/users/me/password", json=body, headers=bearer(session.access_token))


async def delete_account(client: ServiceClient, person: Person, session: SignedIn) -> httpx.Response:
    body = {"password": person.password}
    return await client.http.post("/v1/users/me/deletion", json=body, headers=bearer(session.access_token))


async def live_sessions(database_url: str, user_id: UUID) -> int:
    async with connected(database_url) as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM sessions WHERE user_id = $1 AND ended_at IS NULL", user_id
        )
    return count


@pytest.mark.parametrize(("ending", "left"), [(change_password, 1), (delete_account, 0)])
async def test_a03_p02_r11_x13_no_session_survives(
    server: Server, database_url: str, ending: Ending, left: int
) -> None:
    """Each of eight sessions is refreshed as fast as it can be, the one that asks among them, and two sign-ins race."""
    survivors, statuses = 0, Counter[int]()
    async with client_of(server.url, connections=REFRESHES + 3) as client:
        for _ in range(ROUNDS):
            person = await client.registered()
            sessions = [await client.signed_in(person) for _ in range(REFRESHES)]
            over = asyncio.Event()
            refreshing = [asyncio.create_task(_refresh_until(client, session, over)) for session in sessions]
            signing_in = [asyncio.create_task(client.log_in(person.username, person.password)) for _ in range(2)]
            ended = await ending(client, person, sessions[0])
            over.set()
            assert ended.status_code == (200 if left else 204), ended.text
            chains, signed_in = await asyncio.gather(*refreshing), await asyncio.gather(*signing_in)
            statuses.update(answer.status_code for answer in (*chain.from_iterable(chains), *signed_in))
            last = [each for answers in chains for each in answers[-2:]]
            given = [SignedIn.of(answer) for answer in (*last, *signed_in) if answer.is_success]
            survivors += await _alive(client, [*sessions, *given])
            assert await live_sessions(database_url, sessions[0].user_id) == left
            assert (await client.log_in(person.username, person.password)).status_code == 401
            if left:
                await _goes_on(client, person, SignedIn.of(ended))
    assert set(statuses) <= {200, 201, 401}, statuses
    assert survivors == 0
    name = getattr(ending, "__name__", "")
    figure(f"{name}: {ROUNDS} rounds of {REFRESHES} sessions refreshed: survived {survivors}, {dict(statuses)}")


async def _refresh_until(client: ServiceClient, session: SignedIn, over: asyncio.Event) -> list[httpx.Response]:
    """The answers to refreshing again and again, to the first refusal or for as long as it is not over."""
    answers = list[httpx.Response]()
    while not over.is_set():
        answers.append(await client.refresh(session.refresh_token))
        if not answers[-1].is_success:
            break
        session = SignedIn.of(answers[-1])
    return answers


async def _alive(client: ServiceClient, sessions: list[SignedIn]) -> int:
    """How many of the tokens still give anything."""
    answers = [
        *[await client.refresh(session.refresh_token) for session in sessions],
        *[await client.profile(session.access_token) for session in sessions],
    ]
    return sum(answer.status_code != 401 for answer in answers)


async def _goes_on(client: ServiceClient, person: Person, session: SignedIn) -> None:
    assert (await client.refresh(session.refresh_token)).status_code == 200
    assert (await client.profile(session.access_token)).status_code == 200
    assert (await client.log_in(person.username, NEW)).status_code == 201


async def test_x13_of_eight_changes_at_once_one_wins(client: ServiceClient, database_url: str) -> None:
    person = await client.registered()
    sessions = [await client.signed_in(person) for _ in range(8)]
    answers = await asyncio.gather(
        *(change_password(client, person, who, f"{NEW} {number}") for number, who in enumerate(sessions))
    )
    assert Counter(answer.status_code for answer in answers)[200] == 1
    assert {answer.status_code for answer in answers} <= {200, 401, 403}
    winner = next(number for number, answer in enumerate(answers) if answer.is_success)
    assert await live_sessions(database_url, sessions[0].user_id) == 1
    assert (await client.log_in(person.username, f"{NEW} {winner}")).status_code == 201


async def test_of_eight_deletions_at_once_one_is_the_one(client: ServiceClient) -> None:
    person = await client.registered()
    sessions = [await client.signed_in(person) for _ in range(8)]
    answers = await asyncio.gather(*(delete_account(client, person, who) for who in sessions))
    assert Counter(answer.status_code for answer in answers) == {204: 1, 401: 7}
    again = await client.sign_up(person)
    assert (again.status_code, again.json()["code"]) == (409, "username_taken")


async def reset_token(container: Container, user_id: UUID) -> str:
    link = await container.use_cases.start_password_reset()(user_id, OPERATOR)
    [token] = parse_qs(urlsplit(link.url).query)["token"]
    return token


async def test_p05_p07_x13_of_sixteen_that_use_one_link_at_once_one_does(
    client: ServiceClient, database_url: str
) -> None:
    """P05, P07."""
    person = await client.registered()
    session = await client.signed_in(person)
    async with running(make_container(settings_for(database_url))) as container:
        token = await reset_token(container, session.user_id)
        bodies = [{"token": token, "new_password": f"{NEW} {number}"} for number in range(16)]
        answers = await asyncio.gather(
            *(client.http.post("/v1/password-resets/confirm", json=body) for body in bodies),
            *(client.refresh(session.refresh_token) for _ in range(4)),
        )
        confirmed, refreshed = answers[:16], answers[16:]
        assert Counter(answer.status_code for answer in confirmed) == {204: 1, 422: 15}
        for answer in confirmed:
            if answer.status_code == 422:
                assert answer.json()["errors"][0] | {"detail": ""} == {
                    "pointer": "/token", "code": "invalid_token", "detail": "",
                }  # fmt: skip
        given = [SignedIn.of(answer) for answer in refreshed if answer.is_success]
        assert await _alive(client, [session, *given]) == 0
        winner = next(number for number, answer in enumerate(confirmed) if answer.is_success)
        assert (await client.log_in(person.username, f"{NEW} {winner}")).status_code == 201
