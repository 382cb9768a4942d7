"""TLS to the database, as operators demand it by `PGSSLMODE` and `PGSSLROOTCERT`: verified, or no connection at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infrastructure.postgres.database import Database, DatabaseOptions, DatabaseUnreachable
from tests.integration.test_mail_over_tls import context, self_made
from tests.integration.wire import connect_to, pass_on

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""PostgreSQL manual, 55.2.10."""
NO_TLS = b"N"


@asynccontextmanager
async def over_tls(database_url: str, certificate: Path | None) -> AsyncIterator[str]:
    """The database's URL behind a server that speaks TLS with that certificate, or answers that it has none."""
    served: ssl.SSLContext | None = context(certificate) if certificate else None

    links = set[asyncio.Task[None]]()

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        links.add(task)
        try:
            assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST, "it does not begin in clear"
            writer.write(b"S" if served else NO_TLS)
            if served:
                await writer.start_tls(served)
                await _relay(reader, writer, database_url)
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(link, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        parts = urlsplit(database_url)
        yield f"postgresql://{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}{parts.path}"
        async with asyncio.timeout(30):
            await asyncio.gather(*links)


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, database_url: str) -> None:
    upstream_reader, upstream_writer = await connect_to(database_url)
    try:
        async with asyncio.TaskGroup() as ways:
            ways.create_task(pass_on(reader, upstream_writer))
            ways.create_task(pass_on(upstream_reader, writer))
    finally:
        upstream_writer.close()
        await upstream_writer.wait_closed()


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The certificate that is trusted; a connection without it is refused."""
    certificate = self_made(tmp_path, "ours")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(certificate))
    return certificate


async def ask(url: str) -> int:
    options = DatabaseOptions(url=url, pool_size=1, start_timeout=0.5)
    async with Database(options).opened() as database:
        row = await database.fetch_row("SELECT 1 AS one")
    assert row is not None
    return int(row["one"])


async def test_c06_a_database_with_the_trusted_certificate_is_asked(database_url: str, ours: Path) -> None:
    async with over_tls(database_url, ours) as url:
        assert await ask(url) == 1


@pytest.mark.parametrize(
    ("name", "host"), [("theirs", "127.0.0.1"), ("ours-elsewhere", "192.0.2.7")], ids=["another issuer", "another host"]
)
async def test_c06_a_database_with_another_certificate_is_not(
    database_url: str, ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, host: str
) -> None:
    other = self_made(tmp_path, name, host)
    if host != "127.0.0.1":
        monkeypatch.setenv("PGSSLROOTCERT", str(other))
    async with over_tls(database_url, other) as url:
        with pytest.raises(DatabaseUnreachable):
            await ask(url)


async def test_c06_nor_is_one_without_tls(database_url: str, ours: Path) -> None:
    async with over_tls(database_url, None) as url:
        with pytest.raises(DatabaseUnreachable):
            await ask(url)
