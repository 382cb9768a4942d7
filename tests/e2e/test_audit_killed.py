"""The server dies by kill -9 under load: what was acknowledged is in the record, and nothing else (G04)."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from asyncpg import Connection, Record

from tests.support.audit import audited
from tests.support.builders import new_id
from tests.support.client import Person, ServiceClient, client_of
from tests.support.database import DatabaseServer
from tests.support.figures import figure
from tests.support.rows import connected
from tests.support.server import START_LIMIT, Server, running_server, settings_on, until

KILLS = int(os.environ.get("TEST_AUDIT_KILLS", "1"))
STREAMS = 6

pytestmark = pytest.mark.slow

# Each event and the row that it tells of, or none; each row and its event, or none.
REGISTERED = """
SELECT e.user_id, u.id FROM (SELECT user_id FROM events WHERE type = 'user.registered') AS e
FULL JOIN users AS u ON u.id = e.user_id WHERE e.user_id IS NULL OR u.id IS NULL
"""
STARTED = """
SELECT e.session_id, s.id FROM (SELECT session_id FROM events WHERE type = 'session.started') AS e
FULL JOIN sessions AS s ON s.id = e.session_id WHERE e.session_id IS NULL OR s.id IS NULL
"""
ENDED = """
SELECT e.session_id, s.id FROM (SELECT session_id FROM events WHERE type = 'session.ended') AS e
FULL JOIN (SELECT id FROM sessions WHERE ended_at IS NOT NULL) AS s ON s.id = e.session_id
WHERE e.session_id IS NULL OR s.id IS NULL
"""


@pytest.fixture
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


class Acknowledged:
    """What the server said that it did: for each type of event, by what it is found."""

    def __init__(self) -> None:
        self.users: list[UUID] = []
        self.started: list[UUID] = []
        self.ended: list[UUID] = []
        self.refused: list[str] = []

    def __len__(self) -> int:
        return sum(map(len, (self.users, self.started, self.ended, self.refused)))

    async def keep_busy(self, client: ServiceClient) -> None:
        """Until the server is gone."""
        while True:
            try:
                await self._journey(client)
            except httpx.TransportError:
                return

    async def _journey(self, client: ServiceClient) -> None:
        person, request = Person.new(), f"wrong-{new_id().hex}"
        signed_up = await client.sign_up(person)
        if signed_up.status_code == 201:
            self.users.append(UUID(signed_up.json()["id"]))
        refused = await client.log_in(person.email, "wrong, and never right", **{"X-Request-ID": request})
        if refused.status_code == 401:
            self.refused.append(request)
        for _ in range(2):
            opened = await client.log_in(person.email, person.password)
            if opened.status_code != 201:
                continue
            session_id = UUID(opened.json()["session"]["id"])
            self.started.append(session_id)
            if (await client.log_out(opened.json()["access_token"])).status_code == 204:
                self.ended.append(session_id)


async def _busy_until_killed(server: Server, acknowledged: Acknowledged, enough: int) -> None:
    async with asyncio.timeout(START_LIMIT), client_of(server.url) as client, asyncio.TaskGroup() as streams:
        for _ in range(STREAMS):
            streams.create_task(acknowledged.keep_busy(client))
        until_then = len(acknowledged) + enough
        await asyncio.to_thread(until, lambda: len(acknowledged) >= until_then, within=START_LIMIT)
        server.kill()


async def test_g04_x01_kill_under_load_leaves_no_change_without_event_and_no_event_without_change(
    database_url: str, tmp_path: Path
) -> None:
    settings = settings_on(database_url, mail_url=(tmp_path / "mail").as_uri(), rate_limits="off")
    acknowledged = Acknowledged()
    with running_server(settings, log=tmp_path / "log") as server:
        for kill in range(KILLS):
            # Each kill meets what is going on at another place.
            await _busy_until_killed(server, acknowledged, enough=30 + 7 * kill % 23)
            server.start()
        async with connected(database_url) as connection:
            await _all_sealed(connection)
            assert await connection.fetch(REGISTERED) == []
            assert await connection.fetch(STARTED) == []
            assert await connection.fetch(ENDED) == []
            missing = 0
            for event_type, column, wanted in (
                ("user.registered", "user_id", acknowledged.users),
                ("session.started", "session_id", acknowledged.started),
                ("session.ended", "session_id", acknowledged.ended),
                ("log_in.failed", "request_id", acknowledged.refused),
            ):
                rows = await connection.fetch(f"SELECT {column} AS what FROM events WHERE type = $1", event_type)
                missing += len(set(wanted) - {row["what"] for row in rows})
            assert missing == 0
            events, entries = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM audit_entries)"
            )
            assert events == entries
    async with audited(database_url) as log:
        report = await log.verified()
    assert report.is_intact, report.findings
    assert report.entries == events
    figure(
        f"{KILLS} kills, {len(acknowledged)} acknowledged changes: 0 without event; {events} events: 0 without change"
    )


async def _all_sealed(connection: "Connection[Record]") -> None:
    async with asyncio.timeout(START_LIMIT):
        while await connection.fetchval("SELECT count(*) FROM audit_queue"):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.05)
