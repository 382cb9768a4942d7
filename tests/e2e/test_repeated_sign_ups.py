"""Sign-ups sent again under a key: to two workers at once, and to a server that was killed in the middle."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.support.client import Person, ServiceClient, client_of, problem_of
from tests.support.database import DatabaseServer
from tests.support.figures import figure
from tests.support.rows import connected, event_types
from tests.support.server import STOP_LIMIT, Server, running_server, settings_on

ROUNDS = 12
AT_ONCE = 16
_RIVAL = """
INSERT INTO users (id, email, email_canonical, email_verified, username, username_canonical, status, created_at,
    updated_at)
VALUES (gen_random_uuid(), $1, $1, false, 'rival', 'rival', 'active', now(), now())
"""
_WAITS_FOR_US = "SELECT pid FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
_COUNT = "SELECT count(*) FROM users WHERE email = $1"

pytestmark = pytest.mark.slow


@pytest.fixture
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    """One of its own, for what locks tables."""
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture
def mortal_server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    settings = settings_on(database_url, rate_limits="off", hash_workers="2", database_pool_size="5")
    with running_server(settings, workers=2, log=tmp_path / "log") as server:
        yield server


async def sign_up(client: ServiceClient, person: Person, key: str) -> httpx.Response:
    return await client.http.post("/v1/users", json=person.registration, headers={"Idempotency-Key": key})


async def test_of_sixteen_at_once_one_makes_the_account_and_the_others_are_repeats(server: Server) -> None:
    database_url = server.settings["CRM_AUTH_DATABASE_URL"]
    before = (await event_types(database_url)).count("user.registered")
    repeated = in_flight = 0
    async with client_of(server.url) as client:
        for _ in range(ROUNDS):
            person = Person.new()
            answers = await asyncio.gather(*(sign_up(client, person, person.username) for _ in range(AT_ONCE)))
            codes = [problem_of(answer)["code"] for answer in answers if not answer.is_success]
            assert set(codes) <= {"request_in_progress"}
            assert all(answer.headers["retry-after"] == "1" for answer in answers if not answer.is_success)
            made = [answer.text for answer in answers if answer.status_code == 201]
            assert len(made) == AT_ONCE - len(codes) >= 1
            assert len(set(made)) == 1
            assert (await sign_up(client, person, person.username)).text == made[0]
            assert (await client.log_in(person.email, person.password)).status_code == 201
            repeated, in_flight = repeated + len(made) - 1, in_flight + len(codes)
    assert (await event_types(database_url)).count("user.registered") - before == ROUNDS
    figure(
        f"{ROUNDS} keys sent {AT_ONCE} times at once: {ROUNDS} accounts, {repeated} repeats, {in_flight} told to wait"
    )


async def _killed_while_committing(server: Server, database_url: str, person: Person, *, is_committed: bool) -> None:
    """Kill the server while its commit waits for a lock; then let the commit be done, or end it as well."""
    async with connected(database_url) as holder, client_of(server.url) as client:
        rival = holder.transaction()
        await rival.start()
        # An account of the same address that is not committed holds up whoever writes one, and nobody who looks.
        await holder.execute(_RIVAL, person.email)
        request = asyncio.create_task(sign_up(client, person, person.username))
        pid = await _first(holder, _WAITS_FOR_US)
        os.killpg(server.process.pid, signal.SIGKILL)
        if not is_committed:
            await _terminate(database_url, pid)
        await rival.rollback()
        with pytest.raises(httpx.TransportError):
            await request
        await _first(holder, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)", pid)


async def _terminate(database_url: str, pid: object) -> None:
    """As the service's role, whose connection it is."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("SELECT pg_terminate_backend($1)", pid)
    await connection.close()


async def _first(connection: "asyncpg.Connection[asyncpg.Record]", query: str, *arguments: object) -> object:
    """What the query gives, once it gives something."""
    async with asyncio.timeout(STOP_LIMIT):
        while (found := await connection.fetchval(query, *arguments)) is None:  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.01)
    return found


async def test_x02_killed_between_claim_and_commit(mortal_server: Server, database_url: str) -> None:
    person = Person.new()
    await _killed_while_committing(mortal_server, database_url, person, is_committed=False)
    mortal_server.close()
    mortal_server.start()
    async with client_of(mortal_server.url) as client:
        waiting = await sign_up(client, person, person.username)
        assert (waiting.status_code, problem_of(waiting)["code"]) == (409, "request_in_progress")
        assert 1 <= int(waiting.headers["retry-after"]) <= 60
        async with connected(database_url) as connection:
            assert await connection.fetchval(_COUNT, person.email) == 0
            await connection.execute("UPDATE idempotency_keys SET created_at = now() - interval '61 seconds'")
        done = await sign_up(client, person, person.username)
        assert done.status_code == 201
        assert (await sign_up(client, person, person.username)).text == done.text
        assert (await client.log_in(person.email, person.password)).status_code == 201


async def test_x01_x02_killed_between_commit_and_answer(mortal_server: Server, database_url: str) -> None:
    person = Person.new()
    await _killed_while_committing(mortal_server, database_url, person, is_committed=True)
    mortal_server.close()
    mortal_server.start()
    async with client_of(mortal_server.url) as client:
        done = await sign_up(client, person, person.username)
        assert done.status_code == 201
        async with connected(database_url) as connection:
            assert await connection.fetchval(_COUNT, person.email) == 1
        session = await client.signed_in(person)
        assert str(session.user_id) == done.json()["id"]
        assert (await client.profile(session.access_token)).json() == done.json()
