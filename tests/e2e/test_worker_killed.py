"""The worker dies by kill -9 while it mails: what was committed arrives, and a repeat is known by its id (X03)."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.application import served, settings_for
from tests.support.database import DatabaseServer
from tests.support.figures import figure
from tests.support.server import START_LIMIT, environment_of, settings_on, until
from tests.support.smtp import Inbox, smtp_server

KILLS = int(os.environ.get("TEST_WORKER_KILLS", "2"))
SIGN_UPS = 3
"""Before each kill."""

WORKER = """
import asyncio, os
from bootstrap.background import work_alone
from bootstrap.settings import Settings

asyncio.run(work_alone(Settings.from_environment(os.environ)))
"""

pytestmark = pytest.mark.slow


@pytest.fixture
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    """One that no other worker looks at, unlike that of the server the tests here share."""
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@dataclass
class DeadlyInbox(Inbox):
    """Kills a worker when it sends: before the mail is taken, or once it is taken and the worker does not know yet."""

    victim: int | None = None
    is_taken_first: bool = False

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if not self.is_taken_first:
            self._kill()
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        self._kill()
        return answer

    def _kill(self) -> None:
        if self.victim is not None:
            os.kill(self.victim, signal.SIGKILL)
            self.victim = None

    def ids(self) -> dict[str, list[str]]:
        """Of the mails that were taken, by recipient."""
        found: dict[str, list[str]] = defaultdict(list)
        for message in list(self.messages):
            found[message["to"]].append(message["message-id"])
        return found


@contextmanager
def worker_on(database_url: str, port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    settings = settings_on(
        database_url, mail_url=f"smtp://127.0.0.1:{port}?starttls=off", rate_limits="off", data_dir=str(folder)
    )
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER], env=environment_of(settings), stderr=subprocess.STDOUT, stdout=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_x03_x14_what_was_committed_is_delivered_whenever_the_worker_dies(
    database_url: str, tmp_path: Path
) -> None:
    inbox, addresses = DeadlyInbox(), set[str]()
    with smtp_server(inbox) as server:
        async with served(settings_for(database_url, rate_limits=False, worker=False)) as client:
            for kill in range(KILLS):
                addresses |= {(await client.registered()).email for _ in range(SIGN_UPS)}
                with worker_on(database_url, server.port, tmp_path) as worker:
                    inbox.is_taken_first = kill % 2 == 1
                    inbox.victim = worker.pid
                    assert await asyncio.to_thread(worker.wait, START_LIMIT) == -signal.SIGKILL
        with worker_on(database_url, server.port, tmp_path):
            await asyncio.to_thread(until, lambda: set(inbox.ids()) == addresses, within=START_LIMIT)
            await asyncio.to_thread(until, lambda: asyncio.run(_waiting(database_url)) == 0, within=START_LIMIT)
    by_recipient = inbox.ids()
    assert {len(set(ids)) for ids in by_recipient.values()} == {1}, "repeats carry the same id"
    repeats = sum(len(ids) - 1 for ids in by_recipient.values())
    figure(f"{KILLS} kills of the worker: {len(addresses)} mails committed, 0 lost, {repeats} sent again")


async def _waiting(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM deliveries")
        return count
    finally:
        await connection.close()
