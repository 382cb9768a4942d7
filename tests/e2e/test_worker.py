"""``crm-auth worker`` beside a server that leaves delivering to it, and ``crm-auth outbox``."""

import json
import os
import pwd
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Person, client_of
from tests.support.database import DatabaseServer, data_folder
from tests.support.rows import connected
from tests.support.server import (
    Server,
    run_crm_auth,
    running_server,
    settings_on,
    until,
)
from tests.support.worker import WorkerProcess, mails_in, running_worker

NOWHERE = {"CRM_AUTH_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c"}
OPERATOR = f"operator:{pwd.getpwuid(os.getuid()).pw_name}"


@pytest.fixture
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    """Of the test's own: the server that other tests share would deliver as well."""
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> dict[str, str]:
    """A server's that does not deliver by itself, and a worker's."""
    return settings_on(database_url, worker="off", mail_url=(tmp_path / "mail").as_uri(), rate_limits="off")


@pytest.fixture
def server(settings: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    with running_server(settings, log=tmp_path / "server.log") as server:
        yield server


async def sign_up(server: Server, person: Person) -> None:
    async with client_of(server.url) as client:
        assert (await client.sign_up(person)).status_code == 201


def outbox(settings: dict[str, str], *arguments: str) -> Any:
    ran = run_crm_auth("outbox", *arguments, settings=settings | {"SUDO_USER": ""})
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout) if "--json" in arguments else ran.stdout


async def test_a_worker_delivers_what_a_server_leaves_to_it(
    server: Server, settings: dict[str, str], tmp_path: Path
) -> None:
    ada, bob = Person.new(), Person.new("bob")
    await sign_up(server, ada)
    (waiting,) = outbox(settings, "list", "--waiting", "--json")["items"]
    assert (waiting["subscriber"], waiting["attempts"]) == ("email_verification_mail", 0)

    with running_worker(settings, tmp_path / "worker.log") as worker:
        until(lambda: len(mails_in(tmp_path / "mail")) == 1)
        await sign_up(server, bob)
        until(lambda: len(mails_in(tmp_path / "mail")) == 2)
        assert [mail["To"] for mail in mails_in(tmp_path / "mail")] == [ada.email, bob.email]
        assert worker.stop() == 0

    assert outbox(settings, "list", "--waiting", "--json") == {"items": [], "next_cursor": None}
    assert "email_verification_mail" in worker.log, "it says what it delivers"
    assert "worker stopped" in worker.log
    assert "Traceback" not in worker.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_at_once_and_cleanly(settings: dict[str, str], tmp_path: Path, number: int) -> None:
    with running_worker(settings, tmp_path / "log") as worker:
        worker.process.send_signal(number)
        assert worker.process.wait(20) == 0
    assert "Traceback" not in worker.log


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (NOWHERE | {"CRM_AUTH_DATABASE_START_TIMEOUT": "0"}, "The database did not answer"),
        ({"CRM_AUTH_SECRET_KEY": ""}, "CRM_AUTH_SECRET_KEY is missing"),
    ],
)
def test_a_worker_that_cannot_start_says_why(settings: dict[str, str], changes: dict[str, str], reason: str) -> None:
    ran = run_crm_auth("worker", settings=settings | changes)

    assert ran.returncode == 1
    assert reason in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_worker_that_waits_for_its_database_can_be_stopped(settings: dict[str, str], tmp_path: Path) -> None:
    worker = WorkerProcess(settings | NOWHERE | {"CRM_AUTH_DATABASE_START_TIMEOUT": "600"}, tmp_path / "log")
    until(lambda: "waiting for the database" in worker.log)
    assert worker.stop() == 0


async def test_what_is_parked_is_shown_tried_again_and_dropped(
    server: Server, settings: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    people = [Person.new() for _ in range(3)]
    for person in people:
        await sign_up(server, person)
    async with connected(database_url) as connection:
        await connection.execute("UPDATE deliveries SET parked_at = now(), last_error = $1", "550 \x1b[2Jno mailbox")
    first, second, third = (each["id"] for each in outbox(settings, "list", "--json")["items"])
    assert r"550 \x1b[2Jno mailbox" in outbox(settings, "list")

    with running_worker(settings, tmp_path / "log"):
        assert outbox(settings, "drop", str(first), "--yes") == "1 delivery is dropped.\n"
        assert outbox(settings, "retry", str(second)) == "1 delivery is tried again.\n"
        until(lambda: len(mails_in(tmp_path / "mail")) == 1)
        assert outbox(settings, "retry", "--all-parked") == "1 delivery is tried again.\n"
        until(lambda: len(mails_in(tmp_path / "mail")) == 2)
    assert [mail["To"] for mail in mails_in(tmp_path / "mail")] == [person.email for person in people[1:]]
    gone = run_crm_auth("outbox", "retry", str(first), settings=settings)
    assert (gone.returncode, gone.stdout) == (3, "0 deliveries are tried again.\n")
    async with connected(database_url) as connection:
        rows = await connection.fetch("SELECT type, data FROM events WHERE type LIKE 'delivery.%' ORDER BY position")
    done = [(row["type"], json.loads(row["data"])) for row in rows]
    assert [(kind, data["delivery"], data["actor"]) for kind, data in done] == [
        ("delivery.dropped", str(first), OPERATOR),
        ("delivery.retried", str(second), OPERATOR),
        ("delivery.retried", str(third), OPERATOR),
    ]


@pytest.fixture
def folder() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


async def test_beside_an_embedded_server_it_joins_the_database_and_outlives_a_restart(
    folder: Path, tmp_path: Path
) -> None:
    """Started first, it waits for the server, and never keeps one from starting."""
    settings = {"CRM_AUTH_DATA_DIR": str(folder), "CRM_AUTH_WORKER": "off"}
    mail = folder / "mail"
    worker = WorkerProcess(settings | {"CRM_AUTH_DATABASE_START_TIMEOUT": "120"}, tmp_path / "worker.log")
    try:
        until(lambda: "waiting for `crm-auth serve`" in worker.log)
        with running_server(settings, log=tmp_path / "server.log") as server:
            await sign_up(server, Person.new())
            until(_there_are(mail, 1))
            server.restart()
            await sign_up(server, Person.new())
            until(_there_are(mail, 2))
        assert worker.stop() == 0
    finally:
        if worker.process.poll() is None:
            worker.kill()


def _there_are(folder: Path, number: int) -> Callable[[], bool]:
    return lambda: len(mails_in(folder)) == number


def test_without_a_server_it_does_not_start_the_embedded_database(folder: Path) -> None:
    settings = {"CRM_AUTH_DATA_DIR": str(folder), "CRM_AUTH_DATABASE_START_TIMEOUT": "0"}
    ran = run_crm_auth("worker", settings=settings)
    assert ran.returncode == 1
    assert "run by `crm-auth serve`" in ran.stderr
