"""The mail server is away, then slow, then refuses a recipient: sign-ups do not notice, all mail arrives (I17)."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.e2e.test_worker_killed import worker_on
from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient
from tests.support.database import DatabaseServer
from tests.support.figures import figure
from tests.support.rows import connected
from tests.support.server import START_LIMIT, until
from tests.support.smtp import Inbox, smtp_server

OUTAGE = float(os.environ.get("TEST_MAIL_OUTAGE", "4"))
"""Seconds."""
PEOPLE = 5
MAILS_EACH = 3

pytestmark = pytest.mark.slow


@dataclass
class SlowInbox(Inbox):
    """Takes its time for each mail."""

    seconds: float = 0.5

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.seconds)
        return await super().handle_DATA(server, session, envelope)

    def ids_of(self, person: Person) -> list[str]:
        return [message["message-id"] for message in list(self.messages) if message["to"] == person.email]


@pytest.fixture
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    """One that no other worker looks at, unlike that of the server the tests here share."""
    url = await database_server.create()
    yield url
    await database_server.drop(url)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def sign_up(client: ServiceClient) -> tuple[list[Person], float]:
    """People who each have several mails coming; and how long the slowest sign-up took."""
    people, slowest = [], 0.0
    for _ in range(PEOPLE):
        begun = time.monotonic()
        people.append(await client.registered())
        slowest = max(slowest, time.monotonic() - begun)
        for _ in range(MAILS_EACH - 1):
            answer = await client.http.post("/v1/email-verifications", json={"email": people[-1].email})
            assert answer.status_code == 202
    return people, slowest


async def test_p04_x03_an_outage_loses_nothing_and_holds_nobody_up(database_url: str, tmp_path: Path) -> None:
    inbox, port = SlowInbox(), free_port()
    async with served(settings_for(database_url, rate_limits=False)) as client:
        with worker_on(database_url, port, tmp_path):
            during, slowest_during = await sign_up(client)
            await asyncio.sleep(OUTAGE)
            assert inbox.messages == []
            await asyncio.to_thread(until, lambda: asyncio.run(_fewest_attempts(database_url)) > 1, within=60)
            assert await _most_tokens_of_one(database_url) == 1, (
                "of mails that wait, the first is tried, again and again"
            )
            refused, *others = during
            inbox.answers[refused.email] = "550 no such mailbox"
            with smtp_server(inbox, port=port):
                after, slowest_after = await sign_up(client)
                everybody = [*others, *after]

                def all_arrived() -> bool:
                    return all(len(set(inbox.ids_of(person))) == MAILS_EACH for person in everybody)

                await asyncio.to_thread(until, all_arrived, within=START_LIMIT)
                await asyncio.to_thread(until, lambda: asyncio.run(_left(database_url)) == (0, MAILS_EACH), within=60)

    assert inbox.ids_of(refused) == [], "what is refused for good is given up"
    for person in everybody:
        ids = list(dict.fromkeys(inbox.ids_of(person)))
        assert ids == sorted(ids), "in the order in which they were asked for: the ids sort by time"
    figure(
        f"mail server away for {OUTAGE:.0f} s, then slow: {len(everybody) * MAILS_EACH} mails delivered, {MAILS_EACH}"
        f" refused ones given up; slowest sign-up {slowest_during:.2f} s while away, {slowest_after:.2f} s while slow"
    )


async def _fewest_attempts(database_url: str) -> int:
    """Of a mail that was tried."""
    async with connected(database_url) as connection:
        return await connection.fetchval("SELECT min(attempts) FROM deliveries WHERE attempts > 0") or 0


async def _most_tokens_of_one(database_url: str) -> int:
    async with connected(database_url) as connection:
        return int(
            await connection.fetchval(
                "SELECT max(n) FROM (SELECT count(*) AS n FROM one_time_tokens GROUP BY user_id) AS _"
            )
        )


async def _left(database_url: str) -> tuple[int, int]:
    """How many deliveries wait, and how many were given up."""
    async with connected(database_url) as connection:
        row = await connection.fetchrow(
            "SELECT count(*) FILTER (WHERE parked_at IS NULL), count(*) FILTER (WHERE parked_at IS NOT NULL)"
            " FROM deliveries"
        )
    assert row is not None
    return row[0], row[1]
