"""Behind a pooler that gives every transaction another connection."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import pytest

from infrastructure.postgres.database import DatabaseOptions
from tests.support.application import served, settings_for
from tests.support.client import ServiceClient, SignedIn
from tests.support.server import until

POOLED_CONNECTIONS = 3
AT_ONCE = 8


def test_nothing_is_kept_on_a_connection() -> None:
    options = DatabaseOptions(url="postgresql://nowhere", pgbouncer=True)
    assert options.statement_cache_size == 0, "a prepared statement is on the connection it was prepared on"
    assert options.server_settings is None, "the pooler refuses those it does not know"


@pytest.fixture
async def pooler_url(database_url: str) -> AsyncIterator[str]:
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with _folder_of(account := _account_for(database_url)) as folder:
        port = _free_port()
        (folder / "pgbouncer.ini").write_text(_configuration(database_url, port))
        process = _started([program, str(folder / "pgbouncer.ini")], account, folder / "log")
        try:
            await asyncio.to_thread(until, lambda: process.poll() is not None or _listens(port))
            assert process.poll() is None, (folder / "log").read_text()
            yield f"postgresql://anybody@127.0.0.1:{port}/pooled"
        finally:
            process.terminate()
            process.wait()


def _started(command: list[str], account: int, log_file: Path) -> "subprocess.Popen[bytes]":
    identity: dict[str, Any] = {"user": account, "group": account, "extra_groups": []}
    with log_file.open("wb") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=log, **(identity if os.geteuid() == 0 else {})
        )


def _configuration(database_url: str, port: int) -> str:
    parts = urlsplit(database_url)
    options = parse_qs(parts.query)
    address = {
        "host": options["host"][0] if "host" in options else parts.hostname,
        "port": options["port"][0] if "port" in options else parts.port or 5432,
        "dbname": parts.path.strip("/"),
        "user": unquote(parts.username or ""),
        **({"password": unquote(parts.password)} if parts.password else {}),
    }
    target = " ".join(f"{name}='{value}'" for name, value in address.items())
    return f"""
[databases]
pooled = {target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {POOLED_CONNECTIONS}
"""


def _account_for(database_url: str) -> int:
    """Who may reach the database; the pooler refuses to run as root."""
    folder = parse_qs(urlsplit(database_url).query).get("host")
    owner = Path(folder[0]).stat().st_uid if folder else 0
    return owner or pwd.getpwnam("nobody").pw_uid


@contextmanager
def _folder_of(account: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, account, -1)
        yield folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_the_pooler_mixes_connections(pooler_url: str) -> None:
    """Otherwise the next test would pass whatever we do."""

    async def backends() -> set[int]:
        connection = await asyncpg.connect(pooler_url, statement_cache_size=0)
        try:
            return {await connection.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.01)") for _ in range(20)}
        finally:
            await connection.close()

    assert any(len(seen) > 1 for seen in await asyncio.gather(*(backends() for _ in range(AT_ONCE))))


async def test_the_main_job_many_times_at_once(pooler_url: str) -> None:
    settings = settings_for(pooler_url, database_pgbouncer=True, database_pool_size=AT_ONCE, rate_limits=False)
    async with served(settings) as client:
        answers = await asyncio.gather(*(_main_job(client) for _ in range(AT_ONCE)))
    statuses = sum(answers, Counter[int]())
    assert set(statuses) == {200, 201, 204}, statuses
    assert statuses.total() == AT_ONCE * 25


async def _main_job(client: ServiceClient) -> Counter[int]:
    person = await client.registered()
    session = await client.signed_in(person)
    statuses = Counter({201: 2})
    for _ in range(11):
        refreshed = await client.refresh(session.refresh_token)
        statuses[refreshed.status_code] += 1
        session = SignedIn.of(refreshed)
        statuses[(await client.profile(session.access_token)).status_code] += 1
    statuses[(await client.log_out(session.access_token)).status_code] += 1
    return statuses
