"""The database is late, gone, hung, locked or short of connections: bounded refusals, and a return without help.

X04 to X07, I6 to I9: in its trouble nothing is accepted that could not be checked.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import httpx
import pytest
from litestar import Litestar

from bootstrap.asgi import create_app
from domain.errors import ServiceUnavailable
from infrastructure.passwords import hashing_pool
from infrastructure.postgres.database import Database, DatabaseOptions
from tests.integration.own_postgres import OwnPostgres, own_postgres
from tests.support.application import alive, client_in_process, served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer, problem_of
from tests.support.figures import figure
from tests.support.rows import connected, disable, let_pass

ANSWER_LIMIT = 3.0
RETURN_LIMIT = 5.0
"""Seconds: X05 and X04."""


_WAITING = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[OwnPostgres]:
    with own_postgres() as postgres:
        yield postgres


@pytest.fixture
async def client(postgres: OwnPostgres) -> AsyncIterator[ServiceClient]:
    await asyncio.to_thread(postgres.start)
    async with served(settings_for(postgres.url, rate_limits=False)) as client:
        yield client


@asynccontextmanager
async def _stopped(postgres: OwnPostgres) -> AsyncIterator[None]:
    await asyncio.to_thread(postgres.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(postgres.start)


@asynccontextmanager
async def _frozen(postgres: OwnPostgres) -> AsyncIterator[None]:
    await asyncio.to_thread(postgres.freeze)
    try:
        yield
    finally:
        await asyncio.to_thread(postgres.thaw)


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer, and the seconds it took."""

    answer: httpx.Response
    seconds: float


class _Others:
    """The seconds that other processes of a busy machine took while this one had something to do."""

    def __init__(self) -> None:
        self.took = 0.0

    async def watch(self) -> None:
        while True:
            began, worked = time.perf_counter(), time.process_time()
            await asyncio.sleep(0.02)
            late = time.perf_counter() - began - 0.02
            self.took += max(0.0, late - (time.process_time() - worked))


_others = _Others()


@pytest.fixture(autouse=True)
async def others(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    # To give way to other processes would be measured as well.
    monkeypatch.setattr(hashing_pool, "_NICEST", 0)
    watching = asyncio.create_task(_others.watch())
    yield
    watching.cancel()


async def _timed(call: Awaitable[httpx.Response]) -> Timed:
    """Without what other processes took: limits are of what the service waits for."""
    began, took = time.perf_counter(), _others.took
    answer = await call
    return Timed(answer, time.perf_counter() - began - (_others.took - took))


def _calls(client: ServiceClient, session: SignedIn, person: Person) -> list[Callable[[], Awaitable[httpx.Response]]]:
    """Everything that needs the database."""
    return [
        lambda: client.sign_up(Person.new("late")),
        lambda: client.log_in(person.email, person.password),
        lambda: client.log_in("nobody", person.password),
        lambda: client.refresh(session.refresh_token),
        lambda: client.profile(session.access_token),
        lambda: client.session(session.access_token),
        lambda: client.log_out(session.access_token),
    ]


async def _assert_refused_in_time(client: ServiceClient, session: SignedIn, person: Person) -> float:
    """All calls at once, then one after the other; the longest an answer took."""
    calls = _calls(client, session, person)
    timed = await asyncio.gather(*(_timed(call()) for call in calls for _ in range(4)))
    timed += [await _timed(call()) for call in calls]
    for one in timed:
        problem = problem_of(one.answer)
        assert (one.answer.status_code, problem["code"]) == (503, "service_unavailable"), problem
        assert int(one.answer.headers["retry-after"]) >= 1
        assert one.seconds < ANSWER_LIMIT
    return max(one.seconds for one in timed)


async def _assert_alive_but_not_ready(client: ServiceClient) -> None:
    """Without the database the process is well, tokens can be verified, and no traffic should come."""
    assert (await client.http.get("/health/live")).status_code == 200
    keys = await client.http.get("/.well-known/jwks.json")
    assert keys.status_code == 200
    assert len(keys.json()["keys"]) == 2
    ready = await _timed(client.http.get("/health/ready"))
    assert ready.answer.status_code == 503
    assert ready.answer.json()["parts"]["database"] == "unavailable"
    assert ready.seconds < ANSWER_LIMIT


async def _seconds_until_good(call: Callable[[], Awaitable[httpx.Response]]) -> float:
    """As a client that keeps asking finds it; only refusals that say so are taken meanwhile."""
    began = time.perf_counter()
    while not (answer := await call()).is_success:
        assert answer.status_code == 503, answer.text
        assert time.perf_counter() - began < RETURN_LIMIT, "not back in time"
        await asyncio.sleep(0.05)
    return time.perf_counter() - began


async def _assert_well(client: ServiceClient) -> None:
    """The main job, and readiness."""
    session = await client.signed_in()
    newer = SignedIn.of(await client.refresh(session.refresh_token))
    assert (await client.profile(newer.access_token)).status_code == 200
    assert (await client.log_out(newer.access_token)).status_code == 204
    assert (await client.http.get("/health/ready")).status_code == 200


async def _session_of(client: ServiceClient) -> tuple[Person, SignedIn]:
    person = await client.registered()
    return person, await client.signed_in(person)


async def test_late_at_the_start(postgres: OwnPostgres, caplog: pytest.LogCaptureFixture) -> None:
    """It is waited for, and the log says so."""
    app = create_app(settings_for(postgres.url))
    async with _stopped(postgres):
        starting = asyncio.create_task(_main_job_of(app))
        while "waiting for the database" not in caplog.text:
            assert not starting.done()
            await asyncio.sleep(0.01)
    await asyncio.wait_for(starting, 60)


async def _main_job_of(app: Litestar) -> None:
    async with alive(app), client_in_process(app) as client:
        await _assert_well(client)


async def test_away_longer_than_the_start_waits(postgres: OwnPostgres) -> None:
    """The start is refused with a reason, not waited for without end."""
    settings = settings_for(postgres.url, database_start_timeout=timedelta(seconds=1))
    async with _stopped(postgres):
        began = time.perf_counter()
        with pytest.RaisesGroup(pytest.RaisesExc(Exception, match="database"), allow_unwrapped=True):
            async with served(settings):
                pass
        assert time.perf_counter() - began < 10


async def test_x04_stopped_in_the_middle(postgres: OwnPostgres, client: ServiceClient) -> None:
    """X04."""
    person, session = await _session_of(client)
    async with _stopped(postgres):
        slowest = await _assert_refused_in_time(client, session, person)
        await _assert_alive_but_not_ready(client)
        slowest = max(slowest, await _assert_refused_in_time(client, session, person))
    back = await _seconds_until_good(lambda: client.profile(session.access_token))
    await _assert_well(client)
    assert SignedIn.of(await client.refresh(session.refresh_token)).session_id == session.session_id
    figure(f"stopped: slowest answer {slowest:.2f} s, back after {back:.2f} s")


async def test_x04_crashed_in_the_middle(postgres: OwnPostgres, client: ServiceClient) -> None:
    """X04: five times, with clients that keep asking."""
    _, session = await _session_of(client)
    asking, statuses = True, Counter[int]()

    async def keep_asking() -> None:
        while asking:
            timed = await _timed(client.profile(session.access_token))
            statuses[timed.answer.status_code] += 1
            assert timed.seconds < ANSWER_LIMIT
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as clients:
        for _ in range(4):
            clients.create_task(keep_asking())
        for _ in range(5):
            await asyncio.to_thread(postgres.crash)
            await asyncio.to_thread(_wait_until_up, postgres)
            await _seconds_until_good(lambda: client.profile(session.access_token))
        asking = False
    assert set(statuses) <= {200, 503}, statuses
    await _assert_well(client)


def _wait_until_up(postgres: OwnPostgres) -> None:
    async def ask() -> None:
        async with asyncio.timeout(60):
            while True:
                try:
                    async with connected(postgres.url) as connection:
                        await connection.execute("SELECT 1")
                except (OSError, asyncpg.PostgresError):
                    await asyncio.sleep(0.02)
                else:
                    return

    asyncio.run(ask())


async def test_x05_hung(postgres: OwnPostgres, client: ServiceClient) -> None:
    """X05: it takes connections and answers nothing."""
    person, session = await _session_of(client)
    async with _frozen(postgres):
        slowest = await _assert_refused_in_time(client, session, person)
        await _assert_alive_but_not_ready(client)
        slowest = max(slowest, await _assert_refused_in_time(client, session, person))
    back = await _seconds_until_good(lambda: client.profile(session.access_token))
    await _assert_well(client)
    assert (await client.refresh(session.refresh_token)).status_code == 200
    figure(f"hung: slowest answer {slowest:.2f} s, back after {back:.2f} s")


def _change_password(client: ServiceClient, session: SignedIn, person: Person) -> Awaitable[httpx.Response]:
    body = {"current_password": person.password, "new_password": "saffron ladder orbit velvet"}
    return client.http.put("/v1/users/me/password", json=body, headers=bearer(session.access_token))


def _end_all_sessions(client: ServiceClient, session: SignedIn, _: Person) -> Awaitable[httpx.Response]:
    return client.http.delete("/v1/sessions", headers=bearer(session.access_token))


@pytest.mark.parametrize("call", [_change_password, _end_all_sessions])
async def test_x05_hung_within_a_transaction(
    postgres: OwnPostgres, call: Callable[[ServiceClient, SignedIn, Person], Awaitable[httpx.Response]]
) -> None:
    """X05: it stops while the transaction waits for its lock; neither request nor connection is lost."""
    async with served(settings_for(postgres.url, rate_limits=False, database_pool_size=1)) as client:
        person, session = await _session_of(client)
        async with connected(postgres.url) as other, other.transaction():
            await other.execute("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", session.user_id)
            calling = asyncio.ensure_future(call(client, session, person))
            while not await other.fetchval(_WAITING):
                assert not calling.done()
                await asyncio.sleep(0.01)
            async with _frozen(postgres), asyncio.timeout(2 * ANSWER_LIMIT):
                timed = await _timed(calling)
        assert timed.answer.status_code == 503
        assert timed.seconds < ANSWER_LIMIT
        await _seconds_until_good(lambda: client.profile(session.access_token))
        await _assert_well(client)


async def test_x02_a_sign_up_that_got_no_answer_is_whole_or_absent(
    postgres: OwnPostgres, client: ServiceClient
) -> None:
    """X02: the statement may have reached the hung server; then it is done when that goes on."""
    await _session_of(client)
    people = [Person.new() for _ in range(8)]
    async with _frozen(postgres):
        answers = await asyncio.gather(*map(client.sign_up, people))
    assert {answer.status_code for answer in answers} == {503}
    await _seconds_until_good(lambda: client.http.get("/health/ready"))
    for person in people:
        if (await client.log_in(person.email, person.password)).status_code == 401:
            assert (await client.sign_up(person)).status_code == 201


@pytest.mark.parametrize("table", ["sessions", "users"])
async def test_x05_a_table_locked_by_another_transaction(
    postgres: OwnPostgres, client: ServiceClient, table: str
) -> None:
    """X05: the lock is not waited for, and the connection is not lost for it."""
    person, session = await _session_of(client)
    async with connected(postgres.url) as other:
        async with other.transaction():
            await other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            calls = [
                client.profile(session.access_token),
                client.refresh(session.refresh_token),
                client.log_in(person.email, person.password),
            ]
            timed = await asyncio.gather(*map(_timed, calls))
            assert [one.answer.status_code for one in timed] == [503] * 3
            assert max(one.seconds for one in timed) < ANSWER_LIMIT
            assert (await client.http.get("/health/ready")).status_code == 200, "the database itself is well"
        timed = [await _timed(client.profile(session.access_token))]
        assert timed[0].answer.status_code == 200
    await _assert_well(client)


async def test_x06_a_pool_that_is_used_up(postgres: OwnPostgres) -> None:
    """X06, I9: waiting is bounded, nothing leaks, and then all is well."""
    async with served(settings_for(postgres.url, rate_limits=False, database_pool_size=2)) as client:
        _, session = await _session_of(client)
        async with connected(postgres.url) as other:
            async with other.transaction():
                await other.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
                timed = await asyncio.gather(*(_timed(client.profile(session.access_token)) for _ in range(100)))
            assert Counter(one.answer.status_code for one in timed) == {503: 100}
            assert all("retry-after" in one.answer.headers for one in timed)
            slowest = max(one.seconds for one in timed)
            assert slowest < ANSWER_LIMIT
            await _seconds_until_good(lambda: client.profile(session.access_token))
            timed = await asyncio.gather(*(_timed(client.profile(session.access_token)) for _ in range(100)))
            assert Counter(one.answer.status_code for one in timed) == {200: 100}
            await _assert_well(client)
            ours = (
                "FROM pg_stat_activity WHERE application_name = 'crm-auth' AND datname = current_database()"
                " AND query NOT LIKE 'LISTEN%'"
            )
            assert await other.fetchval(f"SELECT count(*) {ours}") <= 2
            assert await other.fetchval(f"SELECT count(*) {ours} AND state <> 'idle'") == 0
        figure(f"pool of 2, 100 requests: slowest answer {slowest:.2f} s")


async def test_x06_waiting_for_a_connection_is_no_loss_of_the_database(
    postgres: OwnPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    """X06: whoever got the connection late and ran out of time is refused alone, and its statement is cancelled."""
    options = DatabaseOptions(url=postgres.url, pool_size=1, statement_timeout=3.0, answer_timeout=3.2)
    sleep = "SELECT pg_sleep(1.8)"
    async with Database(options).opened() as database:
        first = asyncio.create_task(database.fetch_row(sleep))
        await asyncio.sleep(0)
        with pytest.raises(ServiceUnavailable):
            await database.fetch_row(sleep)
        assert await first
        assert "database lost" not in caplog.text
        assert await database.fetch_row("SELECT 1")
        asleep = "SELECT count(*) FROM pg_stat_activity WHERE query = $1 AND state = 'active'"
        assert await database.fetch_row(asleep, sleep) == (0,)


async def test_x04_no_connection_of_before_is_used_after_a_loss(postgres: OwnPostgres) -> None:
    """X04: what was idle meanwhile may be dead without having been told, so all are made anew."""
    options = DatabaseOptions(url=postgres.url, pool_size=3)
    async with Database(options).opened() as database:
        before = await _backends(database)
        async with _frozen(postgres):
            with pytest.raises(ServiceUnavailable):
                await database.fetch_row("SELECT 1")
        async with asyncio.timeout(RETURN_LIMIT):
            while not (after := await _backends(database)):  # noqa: ASYNC110 - asks as a client would
                await asyncio.sleep(0.05)
    assert len(before) == 3
    assert not before & after


async def _backends(database: Database) -> set[int]:
    """The server processes behind as many connections as there may be; empty while the database is away."""
    calls = (database.fetch_row("SELECT pg_backend_pid() FROM pg_sleep(0.1)") for _ in range(3))
    rows = await asyncio.gather(*calls, return_exceptions=True)
    return {row[0] for row in rows if row is not None and not isinstance(row, BaseException)}


async def test_x04_every_backend_terminated(postgres: OwnPostgres, client: ServiceClient) -> None:
    """As a failover does it: no connection of before is used to the end."""
    _, session = await _session_of(client)
    await asyncio.gather(*(client.profile(session.access_token) for _ in range(20)))
    for _ in range(5):
        async with connected(postgres.url) as other:
            ended = await other.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        assert ended >= 1
        answers = await asyncio.gather(*(client.profile(session.access_token) for _ in range(20)))
        assert {answer.status_code for answer in answers} <= {200, 503}
        await _seconds_until_good(lambda: client.profile(session.access_token))
        answers = await asyncio.gather(*(client.profile(session.access_token) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
    await _assert_well(client)


async def test_x07_nothing_is_accepted_that_cannot_be_checked(postgres: OwnPostgres, client: ServiceClient) -> None:
    """X07, I8: a session that has ended is no more alive for the database being away."""
    live, logged_out, disabled, expired = [await client.signed_in() for _ in range(4)]
    assert (await client.log_out(logged_out.access_token)).status_code == 204
    await disable(postgres.url, disabled.user_id)
    await let_pass(postgres.url, expired.session_id, timedelta(days=2))
    for trouble in (_stopped, _frozen):
        async with trouble(postgres):
            for session in (live, logged_out, disabled, expired):
                answers = await asyncio.gather(
                    client.profile(session.access_token),
                    client.session(session.access_token),
                    client.log_out(session.access_token),
                    client.refresh(session.refresh_token),
                )
                assert [answer.status_code for answer in answers] == [503] * 4
            forged = await client.profile(live.access_token[:-4] + "AAAA")
            assert forged.status_code == 401, "that needs no database"
        await _seconds_until_good(lambda: client.profile(live.access_token))
        for session in (logged_out, disabled, expired):
            assert (await client.profile(session.access_token)).status_code == 401
            assert (await client.refresh(session.refresh_token)).status_code == 401


def test_x05_the_deadlines_fit_into_each_other() -> None:
    """X05: the server gives up before we do, and both before the client's three seconds are over."""
    options = DatabaseOptions(url="postgresql://nowhere")
    assert options.lock_timeout < options.statement_timeout < options.answer_timeout < ANSWER_LIMIT
    assert options.server_settings is not None
    assert options.server_settings["statement_timeout"] == "2000"
    assert options.server_settings["lock_timeout"] == "1500"
