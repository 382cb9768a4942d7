"""How long a session lasts, and how many a user has, over HTTP with rows that are aged (R07, O09)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.application import served, settings_for
from tests.support.client import ServiceClient, SignedIn, bearer
from tests.support.rows import connected, end_reason, event_types, let_pass

MARGIN = timedelta(seconds=30)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

with_and_without_remember = pytest.mark.parametrize(
    ("remember", "idle", "absolute"), [(False, HOUR, DAY), (True, 14 * DAY, 90 * DAY)]
)


@pytest.fixture(scope="module")
async def database_url(database_server: Any) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url, rate_limits=False)) as client:
        yield client


async def sign_in(client: ServiceClient, *, remember: bool) -> tuple[SignedIn, dict[str, Any]]:
    person = await client.registered()
    body = {"identifier": person.email, "password": person.password, "remember": remember}
    answer = await client.http.post("/v1/sessions", json=body)
    return SignedIn.of(answer), answer.json()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def shown(client: ServiceClient, session: SignedIn) -> dict[str, Any]:
    answer = await client.session(session.access_token)
    assert answer.status_code == 200
    shown: dict[str, Any] = answer.json()
    return shown


async def is_over(client: ServiceClient, session: SignedIn) -> bool:
    read, refreshed = await client.session(session.access_token), await client.refresh(session.refresh_token)
    assert {read.status_code, refreshed.status_code} in ({200}, {401})
    return read.status_code == 401


@with_and_without_remember
async def test_the_answer_says_when_it_will_end(
    client: ServiceClient, *, remember: bool, idle: timedelta, absolute: timedelta
) -> None:
    _, answer = await sign_in(client, remember=remember)
    session = answer["session"]
    began = moment(session["created_at"])
    assert moment(session["idle_expires_at"]) - began == idle
    assert moment(session["expires_at"]) - began == absolute
    assert answer["refresh_expires_in"] == idle.total_seconds()


@with_and_without_remember
async def test_r07_an_unused_session_ends(
    client: ServiceClient, database_url: str, *, remember: bool, idle: timedelta, absolute: timedelta
) -> None:
    session, _ = await sign_in(client, remember=remember)
    await let_pass(database_url, session.session_id, idle - MARGIN)
    assert (await client.session(session.access_token)).status_code == 200, "reading does not move the end"
    await let_pass(database_url, session.session_id, MARGIN)
    assert await is_over(client, session)


@with_and_without_remember
async def test_r07_a_session_that_is_used_ends_at_its_absolute_end(
    client: ServiceClient, database_url: str, *, remember: bool, idle: timedelta, absolute: timedelta
) -> None:
    session, answer = await sign_in(client, remember=remember)
    step = idle * 0.9
    for _ in range(int(absolute / step)):
        await let_pass(database_url, session.session_id, step)
        session = SignedIn.of(await client.refresh(session.refresh_token))
        told = await shown(client, session)
        left = moment(told["expires_at"]) - moment(told["last_used_at"])
        assert moment(told["idle_expires_at"]) - moment(told["last_used_at"]) == min(idle, left)
    await let_pass(database_url, session.session_id, left - MARGIN)
    assert not await is_over(client, session)
    session_id = session.session_id
    await let_pass(database_url, session_id, MARGIN)
    assert (await client.session(session.access_token)).status_code == 401
    assert await end_reason(database_url, session_id) is None, "it ended by itself"
    assert answer["session"]["id"] == str(session_id)


async def test_o09_nobody_has_more_than_fifty_sessions(client: ServiceClient, database_url: str) -> None:
    """O09: the 51st sign-in ends the one used least recently, and both its tokens with it."""
    person = await client.registered()
    first, second = await client.signed_in(person), await client.signed_in(person)
    await client.refresh(first.refresh_token)
    for _ in range(6):
        await asyncio.gather(*(client.signed_in(person) for _ in range(8)))
    last = await client.signed_in(person)

    page = (await client.http.get("/v1/sessions?limit=100", headers=bearer(last.access_token))).json()

    assert (len(page["items"]), page["next_cursor"]) == (50, None)
    assert str(first.session_id) in {item["id"] for item in page["items"]}, "it was used after the second"
    assert await is_over(client, second)
    assert await end_reason(database_url, second.session_id) == "superseded"
    assert await event_types(database_url, second.session_id) == ["session.started", "session.ended"]
    for _ in range(3):
        await asyncio.gather(*(client.signed_in(person) for _ in range(8)))
    async with connected(database_url) as connection:
        live = await connection.fetchval(
            "SELECT count(*) FROM sessions WHERE user_id = $1 AND ended_at IS NULL", last.user_id
        )
    assert live == 50


async def test_the_device_is_told(client: ServiceClient) -> None:
    person = await client.registered()
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    agents = {firefox: "Firefox on Windows", "Ada's own": None, "(" * 256: None}
    for agent, device in agents.items():
        answer = await client.log_in(person.email, person.password, **{"User-Agent": agent})
        assert answer.json()["session"]["device"] == device
        assert (await shown(client, SignedIn.of(answer)))["device"] == device
