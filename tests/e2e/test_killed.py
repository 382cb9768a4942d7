"""The server dies by kill -9, ends by SIGTERM, or is started twice: nothing acknowledged is lost, nothing stays behind.

All on the embedded PostgreSQL, whose processes must not outlive the server's.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.embedded.processes import is_running, postgres_processes
from tests.support.client import Person, ServiceClient, client_of
from tests.support.database import data_folder
from tests.support.figures import figure
from tests.support.server import START_LIMIT, Server, run_crm_auth, running_server, until

KILLS = int(os.environ.get("TEST_KILLS", "3"))
STREAMS = 8
MARK = "TEST_SERVER"
"""A variable that all processes of one server inherit."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


def _settings(folder: Path) -> dict[str, str]:
    return {"CRM_AUTH_DATA_DIR": str(folder), "CRM_AUTH_RATE_LIMITS": "off", MARK: folder.parent.name}


def _processes_of(folder: Path) -> set[int]:
    """Every process that came of a server on that folder, whoever its parent is by now.

    By a variable they inherit; PostgreSQL writes over its own, but works in the folder of its data.
    """
    mark = f"{MARK}={folder.parent.name}".encode()
    marked = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0") and is_running(int(process.name)):
                marked.add(int(process.name))
    return marked | {pid for pid in postgres_processes(folder) if is_running(pid)}


class Ledger:
    """Sign-ups that were acknowledged, and those that never got an answer."""

    def __init__(self) -> None:
        self.acknowledged: list[Person] = []
        self.unanswered: list[Person] = []
        self.refused: list[httpx.Response] = []

    async def keep_signing_up(self, client: ServiceClient) -> None:
        """Until the server is gone."""
        while True:
            person = Person.new()
            try:
                answer = await client.sign_up(person)
            except httpx.TransportError:
                self.unanswered.append(person)
                return
            if answer.status_code == 201:
                self.acknowledged.append(person)
            else:
                self.refused.append(answer)


async def _stream_until_killed(server: Server, enough: int) -> Ledger:
    """Sign-ups from several clients, and a kill in the middle of them."""
    ledger = Ledger()
    async with asyncio.timeout(START_LIMIT), client_of(server.url) as client, asyncio.TaskGroup() as streams:
        for _ in range(STREAMS):
            streams.create_task(ledger.keep_signing_up(client))
        await asyncio.to_thread(until, lambda: len(ledger.acknowledged) >= enough, within=START_LIMIT)
        server.kill()
    return ledger


async def _lost(client: ServiceClient, ledger: Ledger) -> list[Person]:
    answers = [await client.log_in(person.email, person.password) for person in ledger.acknowledged]
    return [person for person, answer in zip(ledger.acknowledged, answers, strict=True) if answer.status_code != 201]


async def test_x01_x02_kill_during_sign_ups_loses_nothing_and_leaves_no_process(folder: Path, tmp_path: Path) -> None:
    """X01, X02, I1."""
    acknowledged = unanswered = 0
    with running_server(_settings(folder), workers=2, log=tmp_path / "log") as server:
        for kill in range(KILLS):
            before = _processes_of(folder)
            assert len(before) >= 4, "the server, two workers, the owner of PostgreSQL, and that"
            # Each kill meets the stream at another place.
            ledger = await _stream_until_killed(server, enough=10 + 7 * kill % 23)
            assert {answer.status_code for answer in ledger.refused} <= {503}
            until(lambda: not _processes_of(folder))
            assert not [pid for pid in before if is_running(pid)]
            server.start()
            async with client_of(server.url) as client:
                assert await _lost(client, ledger) == []
                for person in ledger.unanswered:
                    await _assert_whole_or_absent(client, person)
            acknowledged += len(ledger.acknowledged)
            unanswered += len(ledger.unanswered)
        assert server.stop() == 0
        until(lambda: not _processes_of(folder))
    figure(f"{KILLS} kills: {acknowledged} acknowledged, 0 lost, {unanswered} unanswered, 0 orphans")


async def _assert_whole_or_absent(client: ServiceClient, person: Person) -> None:
    """X02: who got no answer can sign in, or sign up again; never neither."""
    if (await client.log_in(person.email, person.password)).status_code == 401:
        assert (await client.sign_up(person)).status_code == 201
        assert (await client.log_in(person.email, person.password)).status_code == 201


async def test_a_killed_worker_is_replaced(folder: Path, tmp_path: Path) -> None:
    with running_server(_settings(folder), workers=2, log=tmp_path / "log") as server:
        workers = _workers(server)
        async with client_of(server.url) as client:
            ada = await client.registered()
        os.kill(workers[0], signal.SIGKILL)
        until(lambda: len(set(_workers(server)) - {workers[0]}) == 2)
        for _ in range(4):
            async with client_of(server.url) as client:
                assert (await client.log_in(ada.email, ada.password)).status_code == 201


def _workers(server: Server) -> list[int]:
    """The children that hold the listening socket."""
    listening = _listening_socket(server.port)
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(child) for child in children if _holds(int(child), listening)]


def _listening_socket(port: int) -> str:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return next((f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"), "gone")


def _holds(pid: int, link: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if str(descriptor.readlink()) == link:
                    return True
    return False


@contextlib.asynccontextmanager
async def _half_sent(server: Server, body: bytes) -> "AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]":
    """A sign-up that the application is reading, and whose body is still to come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        f"POST /v1/users HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(START_LIMIT):
        # Sent when the application asks for the body, and not before.
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        yield reader, writer
    writer.close()


@pytest.mark.parametrize("workers", [1, 2])
async def test_x10_sigterm_lets_a_request_in_flight_finish(folder: Path, tmp_path: Path, workers: int) -> None:
    """X10."""
    ada = Person.new()
    body = httpx.Request("POST", "http://here", json=ada.registration).content
    with running_server(_settings(folder), workers=workers, log=tmp_path / "log") as server:
        serving = _workers(server) or [server.process.pid]
        async with _half_sent(server, body) as (reader, writer):
            os.kill(server.process.pid, signal.SIGTERM)
            until(lambda: not any(_holds(pid, _listening_socket(server.port)) for pid in serving))
            # Not for luck: a server that waits for nobody is gone by then.
            await asyncio.sleep(1)
            writer.write(body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 201 Created\r\n")
        assert server.process.wait(START_LIMIT) == 0
        until(lambda: not _processes_of(folder))
        server.start()
        async with client_of(server.url) as client:
            assert (await client.log_in(ada.email, ada.password)).status_code == 201


async def test_a_second_server_on_a_data_folder_says_so_and_leaves_the_first_alone(
    folder: Path, tmp_path: Path
) -> None:
    with running_server(_settings(folder), log=tmp_path / "log") as server:
        async with client_of(server.url) as client:
            session = await client.signed_in()
            before = _processes_of(folder)
            other_port = str(_another_port())
            second = run_crm_auth("serve", "--port", other_port, settings={"CRM_AUTH_DATA_DIR": str(folder)})
            assert second.returncode == 1
            assert str(folder) in second.stderr
            assert "Traceback" not in second.stderr
            assert _processes_of(folder) >= before
            assert (await client.profile(session.access_token)).status_code == 200
            assert (await client.registered()) is not None


def _another_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
