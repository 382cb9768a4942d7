"""How often each journey goes to the database and back, counted at the wire: events and limits included."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import asyncpg
import httpx
import pytest

from bootstrap import lifespan
from tests.integration.wire import Wire, counting
from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn
from tests.support.rows import let_pass

Call = Callable[[], Awaitable[httpx.Response]]


@pytest.fixture
async def wire(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    # What the service does for itself every half minute is no journey.
    monkeypatch.setattr(lifespan, "UPKEEP_INTERVAL", timedelta(hours=1))
    async with counting(database_url) as wire:
        yield wire


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[ServiceClient]:
    """With one connection, on which every statement has been prepared by one journey of each kind."""
    async with served(settings_for(wire.url, database_pool_size=1)) as client:
        person = await client.registered()
        await client.sign_up(person)
        session = await client.signed_in(person)
        for identifier in (person.email, "nobody", "nobody@example.test", "no identifier"):
            await client.log_in(identifier, "wrong, and never right")
        await client.profile(session.access_token)
        await client.session(session.access_token)
        await client.refresh(session.refresh_token)
        await client.log_out(session.access_token)
        yield client


async def _round_trips(wire: Wire, call: Awaitable[httpx.Response], status: int) -> int:
    before, connections = wire.round_trips, wire.connections
    answer = await call
    assert answer.status_code == status, answer.text
    assert wire.connections == connections, "no connection of its own"
    return wire.round_trips - before


async def test_the_proxy_counts(wire: Wire) -> None:
    """Against statements whose round trips are known: otherwise a proxy that counts nothing would please us."""
    connection = await asyncpg.connect(wire.url)
    try:
        for calls, round_trips in ((connection.execute("SELECT 1"), 1), (connection.fetch("SELECT 2"), 2)):
            before = wire.round_trips
            await calls
            assert wire.round_trips - before == round_trips
        before = wire.round_trips
        await connection.fetch("SELECT 2")
        assert wire.round_trips - before == 1, "prepared by now"
    finally:
        await connection.close()


async def test_own_profile_and_current_session(wire: Wire, client: ServiceClient) -> None:
    session = await client.signed_in()
    assert await _round_trips(wire, client.profile(session.access_token), 200) == 1
    assert await _round_trips(wire, client.session(session.access_token), 200) == 1


async def test_refresh(wire: Wire, client: ServiceClient, database_url: str) -> None:
    session = await client.signed_in()
    assert await _round_trips(wire, client.refresh(session.refresh_token), 200) == 1
    assert await _round_trips(wire, client.refresh(session.refresh_token), 200) == 1, "a repeat"
    newer = SignedIn.of(await client.refresh(session.refresh_token))
    await client.refresh(newer.refresh_token)
    await let_pass(database_url, session.session_id, timedelta(seconds=11))
    assert await _round_trips(wire, client.refresh(session.refresh_token), 401) == 1, "reuse, with its event"


async def test_log_out(wire: Wire, client: ServiceClient) -> None:
    session = await client.signed_in()
    assert await _round_trips(wire, client.log_out(session.access_token), 204) == 1
    assert await _round_trips(wire, client.log_out(session.access_token), 401) == 1


async def test_log_in(wire: Wire, client: ServiceClient) -> None:
    person = await client.registered()
    assert await _round_trips(wire, client.log_in(person.email, person.password), 201) == 2
    assert await _round_trips(wire, client.log_in(person.username, person.password), 201) == 2


async def test_refused_log_in(wire: Wire, client: ServiceClient) -> None:
    """The same for all, as their time must be (L02)."""
    person = await client.registered()
    for identifier in (person.email, person.username, "nobody", "nobody@example.test", "no identifier"):
        assert await _round_trips(wire, client.log_in(identifier, "wrong, and never right"), 401) == 2


async def test_limited_log_in(wire: Wire, client: ServiceClient) -> None:
    person = await client.registered()
    while (await client.log_in(person.email, "wrong, and never right")).status_code == 401:
        pass
    assert await _round_trips(wire, client.log_in(person.email, person.password), 429) == 1


async def test_sign_up(wire: Wire, client: ServiceClient) -> None:
    person = Person.new()
    assert await _round_trips(wire, client.sign_up(person, given_name="Ada", locale="en"), 201) == 2
    assert await _round_trips(wire, client.sign_up(person), 409) == 1


async def test_what_needs_no_database(wire: Wire, client: ServiceClient) -> None:
    """D07, R10: keys and liveness; and no guess gets that far."""
    session = await client.signed_in()
    free: list[tuple[Call, int]] = [
        (lambda: client.http.get("/.well-known/jwks.json"), 200),
        (lambda: client.http.get("/health/live"), 200),
        (lambda: client.http.get("/openapi.json"), 200),
        (lambda: client.profile("x.y.z"), 401),
        (lambda: client.profile(session.access_token[:-4] + "AAAA"), 401),
        (lambda: client.refresh("crm_rt_" + "A" * 96), 401),
        (lambda: client.refresh(session.refresh_token[:-1]), 401),
        (lambda: client.http.post("/v1/users", json={"email": "no"}), 422),
        (lambda: client.http.post("/v1/sessions", json={}), 422),
    ]
    for call, status in free:
        assert await _round_trips(wire, call(), status) == 0
    assert await _round_trips(wire, client.http.get("/health/ready"), 200) <= 2, "once prepared, one"
