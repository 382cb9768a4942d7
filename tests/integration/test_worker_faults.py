"""A worker dies at its work, or loses PostgreSQL under it: another one, or it itself, goes on without help."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from interfaces.worker.worker import LEASE, PATIENCE
from tests.integration.own_postgres import own_postgres
from tests.support.client import Person
from tests.support.rows import connected
from tests.support.server import run_crm_auth, settings_on, until
from tests.support.worker import mails_in, running_worker

TAKEN_OVER_WITHIN = timedelta(seconds=60)
_LISTENS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen %'"

pytestmark = pytest.mark.slow


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A mail server that takes connections, as far as the system does, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}"


def register(database_url: str) -> Person:
    person = Person.new()
    names = ["--email", person.email, "--username", person.username, "--password-stdin"]
    ran = run_crm_auth("users", "create", *names, settings=settings_on(database_url), typed=f"{person.password}\n")
    assert ran.returncode == 0, ran.stderr
    return person


async def first_value_of(database_url: str, query: str) -> bool:
    async with connected(database_url) as connection:
        return bool(await connection.fetchval(query))


def holds(database_url: str, query: str) -> bool:
    return asyncio.run(first_value_of(database_url, query))


async def test_x14_what_a_killed_worker_was_at_is_taken_over(
    database_url: str, silent_server: str, tmp_path: Path
) -> None:
    """Its lease is all that stands between; the test lets that pass by moving it."""
    assert PATIENCE < LEASE < TAKEN_OVER_WITHIN
    ada = await asyncio.to_thread(register, database_url)
    with running_worker(settings_on(database_url, mail_url=silent_server), tmp_path / "killed.log") as killed:
        claimed = "SELECT true FROM deliveries WHERE claimed_until > now()"
        await asyncio.to_thread(until, lambda: holds(database_url, claimed))
        killed.kill()
    async with connected(database_url) as connection:
        left = await connection.fetchval("SELECT claimed_until - now() FROM deliveries")
    assert timedelta(0) < left <= LEASE

    settings = settings_on(database_url, mail_url=(tmp_path / "mail").as_uri())
    with running_worker(settings, tmp_path / "other.log"):
        assert mails_in(tmp_path / "mail") == [], "not before the lease is over"
        async with connected(database_url) as connection:
            await connection.execute("UPDATE deliveries SET claimed_until = now()")
        await asyncio.to_thread(until, lambda: mails_in(tmp_path / "mail"), within=30)
    assert [mail["To"] for mail in mails_in(tmp_path / "mail")] == [ada.email]


def test_x04_a_worker_goes_on_when_postgresql_was_restarted_under_it(tmp_path: Path) -> None:
    """X04. It listens again, so that it is not the look every five seconds alone that finds what happens."""
    folder = tmp_path / "mail"
    with own_postgres() as postgres:
        settings = settings_on(postgres.url, mail_url=folder.as_uri())
        with running_worker(settings, tmp_path / "log") as worker:
            people = [register(postgres.url)]
            until(lambda: len(mails_in(folder)) == 1)
            for restart in range(2):
                if restart:
                    postgres.crash()
                else:
                    postgres.stop()
                    postgres.start()
                # The command waits for PostgreSQL itself.
                people.append(register(postgres.url))
                until(lambda: len(mails_in(folder)) == len(people))
                until(lambda: holds(postgres.url, _LISTENS))
            assert worker.stop() == 0
    assert [mail["To"] for mail in mails_in(folder)] == [person.email for person in people]
