"""A PostgreSQL server for the tests, and databases on it.

By default the embedded one, in a folder of its own; with ``TEST_DATABASE_URL`` a server that runs already,
as a role that may create databases.
"""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from infrastructure.postgres import schema
from infrastructure.postgres.embedded import EmbeddedPostgres

SERVER_URL = "TEST_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A running server; ``template`` is a database on it with our schema and no rows."""

    url: str
    template: str

    def url_of(self, database: str) -> str:
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"/{database}"))

    async def create(self, *, empty: bool = False) -> str:
        """The URL of a new database, with our schema unless it is to be empty."""
        name = f"test_{secrets.token_hex(8)}"
        await self._command(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else self.template}")
        return self.url_of(name)

    async def drop(self, url: str) -> None:
        """Drop it, whoever is still connected."""
        await self._command(f"DROP DATABASE IF EXISTS {urlsplit(url).path.strip('/')} WITH (FORCE)")

    async def _command(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_server() -> Iterator[DatabaseServer]:
    """A server with the template, for as long as the context lasts."""
    with _server_url() as url:
        server = DatabaseServer(url, f"test_template_{secrets.token_hex(8)}")
        asyncio.run(server._command(f"CREATE DATABASE {server.template} TEMPLATE template0"))
        schema.upgrade(server.url_of(server.template))
        try:
            yield server
        finally:
            asyncio.run(server.drop(server.url_of(server.template)))


@contextmanager
def _server_url() -> Iterator[str]:
    if given := os.environ.get(SERVER_URL):
        yield given
        return
    with data_folder() as folder, EmbeddedPostgres(folder) as embedded:
        yield embedded.connect_or_start().dsn


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder for an embedded PostgreSQL, which runs as another account when the tests are root's.

    Not pytest's ``tmp_path``: that lies in a folder only root may enter.
    """
    parent = Path(tempfile.mkdtemp(prefix="crm-auth-test-"))
    parent.chmod(0o755)
    try:
        yield parent / "data"
    finally:
        shutil.rmtree(parent, ignore_errors=True)
