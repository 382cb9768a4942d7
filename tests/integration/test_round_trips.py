"""How often each journey goes to the database and back, counted at the wire: events and limits included."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from bootstrap import lifespan, stuffing, watch
from infrastructure.postgres import notifier
from tests.integration.wire import Wire, counting
from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer
from tests.support.rows import let_pass

KEY = {"Idempotency-Key": "a-key"}

Call = Callable[[], Awaitable[httpx.Response]]


@pytest.fixture
async def wire(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    # What the service does for itself every few seconds is no journey.
    monkeypatch.setattr(lifespan, "UPKEEP_INTERVAL", timedelta(hours=1))
    monkeypatch.setattr(lifespan, "PHOTO_SWEEP_INTERVAL", timedelta(hours=1))
    monkeypatch.setattr(watch, "EVERY", 3600.0)
    monkeypatch.setattr(notifier, "GATHERED", 3600.0)
    monkeypatch.setattr(stuffing, "FOLLOW_EVERY", 3600.0)
    async with counting(database_url) as wire:
        yield wire


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[ServiceClient]:
    """With one connection, on which every statement has been prepared by one journey of each kind."""
    async with served(settings_for(wire.url, database_pool_size=1)) as client:
        person, keyed = await client.registered(), Person.new()
        await client.sign_up(person)
        for _ in range(2):
            await client.http.post("/v1/users", json=keyed.registration, headers=KEY)
        session = await client.signed_in(person)
        for identifier in (person.email, "nobody", "nobody@example.test", "no identifier"):
            await client.log_in(identifier, "wrong, and never right")
        await client.profile(session.access_token)
        await client.session(session.access_token)
        await client.refresh(session.refresh_token)
        await change_profile(client, session, locale="de")
        await change_profile(client, session, username=f"new.{person.username}")
        await client.log_out(session.access_token)
        yield client


async def change_profile(client: ServiceClient, session: SignedIn, **change: Any) -> httpx.Response:
    return await client.http.patch("/v1/users/me", json=change, headers=bearer(session.access_token))


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


async def test_own_sessions(wire: Wire, client: ServiceClient) -> None:
    person = await client.registered()
    here, there, elsewhere = [await client.signed_in(person) for _ in range(3)]
    headers = bearer(here.access_token)

    async def end(what: str) -> httpx.Response:
        return await client.http.delete(f"/v1/sessions{what}", headers=headers)

    for _ in range(2):
        await client.http.get("/v1/sessions", headers=headers)
        await end("/1")
        await end(f"/{there.session_id}")
        await end("?except=current")
    assert await _round_trips(wire, client.http.get("/v1/sessions", headers=headers), 200) == 1
    assert await _round_trips(wire, end("/1"), 404) == 1
    assert await _round_trips(wire, end(f"/{elsewhere.session_id}"), 404) == 1
    assert await _round_trips(wire, end("?except=current"), 204) == 4, "a transaction: begin, lock, write, commit"
    assert await _round_trips(wire, end(f"/{here.session_id}"), 204) == 1


async def test_log_in(wire: Wire, client: ServiceClient) -> None:
    person = await client.registered()
    assert await _round_trips(wire, client.log_in(person.email, person.password), 201) == 2
    assert await _round_trips(wire, client.log_in(person.username, person.password), 201) == 2


async def test_l02_refused_log_in(wire: Wire, client: ServiceClient) -> None:
    """The same for all, as their time must be (L02)."""
    person = await client.registered()
    for identifier in (person.email, person.username, "nobody", "nobody@example.test", "no identifier"):
        assert await _round_trips(wire, client.log_in(identifier, "wrong, and never right"), 401) == 2


async def test_limited_log_in(wire: Wire, client: ServiceClient) -> None:
    person = await client.registered()
    while (await client.log_in(person.email, "wrong, and never right")).status_code == 401:
        pass
    assert await _round_trips(wire, client.log_in(person.username, person.password), 429) == 1
    for _ in range(3):
        again = client.log_in(person.email, person.password)
        assert await _round_trips(wire, again, 429) == 0, "refused a moment ago"


async def test_password_and_deletion(wire: Wire, client: ServiceClient) -> None:
    """One to find the account and count the attempt; a transaction with a lock is four."""
    person, new = await client.registered(), "saffron ladder orbit velvet"

    def change(session: SignedIn, current: str, to: str) -> Awaitable[httpx.Response]:
        body = {"current_password": current, "new_password": to}
        return client.http.put("/v1/users/me/password", json=body, headers=bearer(session.access_token))

    def delete(session: SignedIn) -> Awaitable[httpx.Response]:
        body = {"password": person.password}
        return client.http.post("/v1/users/me/deletion", json=body, headers=bearer(session.access_token))

    session = SignedIn.of(await change(await client.signed_in(person), person.password, new))
    refused = change(session, "wrong, and never right", person.password)
    await _round_trips(wire, refused, 403)
    assert await _round_trips(wire, change(session, new, person.password), 200) == 5
    assert await _round_trips(wire, change(await client.signed_in(person), "wrong, never right", new), 403) == 2
    await delete(await client.signed_in())
    assert await _round_trips(wire, delete(await client.signed_in(person)), 204) <= 6, "prepared for the first time"


async def test_another_address(wire: Wire, client: ServiceClient) -> None:
    """The account and the attempt; the limit of mail to an address that anybody may name; the change with its event."""
    person = await client.registered()
    session = await client.signed_in(person)

    def ask(password: str) -> Awaitable[httpx.Response]:
        body = {"new_email": f"new.{person.email}", "password": password}
        return client.http.post("/v1/users/me/email", json=body, headers=bearer(session.access_token))

    await ask(person.password)
    assert await _round_trips(wire, ask(person.password), 202) == 3
    assert await _round_trips(wire, ask("wrong, and never right"), 403) <= 3, "its event is prepared"


async def test_sign_up(wire: Wire, client: ServiceClient) -> None:
    person = Person.new()
    assert await _round_trips(wire, client.sign_up(person, given_name="Ada", locale="en"), 201) == 2
    assert await _round_trips(wire, client.sign_up(person), 409) == 1


async def test_change_of_the_profile(wire: Wire, client: ServiceClient) -> None:
    session, person = await client.signed_in(), await client.registered()
    for change in ({"locale": "de", "given_name": None}, {"username": f"u{session.user_id.hex[-12:]}"}):
        assert await _round_trips(wire, change_profile(client, session, **change), 200) == 2
    assert await _round_trips(wire, change_profile(client, session), 200) == 1
    assert await _round_trips(wire, change_profile(client, session, username=person.username), 409) == 1


async def test_sign_up_with_a_key(wire: Wire, client: ServiceClient) -> None:
    person = Person.new()

    def sign_up(key: str, **changes: str) -> Awaitable[httpx.Response]:
        return client.http.post("/v1/users", json=person.registration | changes, headers={"Idempotency-Key": key})

    assert await _round_trips(wire, sign_up("1"), 201) == 2
    assert await _round_trips(wire, sign_up("1"), 201) == 2, "a repeat, which reads the account"
    assert await _round_trips(wire, sign_up("1", given_name="Ada"), 422) == 1
    assert await _round_trips(wire, sign_up("2"), 409) == 1, "nothing is claimed by what is refused at once"


async def test_d07_r10_what_needs_no_database(wire: Wire, client: ServiceClient) -> None:
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
