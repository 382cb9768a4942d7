"""A PostgreSQL server for the tests, and databases on it.

By default the embedded one, in a folder of its own; with ``TEST_DATABASE_URL`` a server that runs already,
as a role that may create databases, and roles if the service is to sign in as one that owns nothing.

URLs are those of the service's role, so that every test proves what it may do. What only an owner does, such as letting
time pass in the rows, goes by :func:`owner_url_of`.
"""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from infrastructure.postgres import schema
from infrastructure.postgres.embedded import EmbeddedPostgres, placement, service_connection
from infrastructure.postgres.embedded.connection import resolved
from infrastructure.postgres.roles import user_of

SERVER_URL = "TEST_DATABASE_URL"
_EMPTY = "template0 ENCODING 'UTF8'"
"""Whatever encoding the server has by default: one that was set up without a locale has SQL_ASCII."""

_OWNERS: dict[tuple[str, str], tuple[str, str]] = {}
"""By who signs in as the service, and where, who owns the tables."""


def owner_url_of(url: str) -> str:
    """The same database as its owner, for a URL of a service's role of ours; any other URL as it is."""
    parts = urlsplit(url)
    netloc, query = _OWNERS.get((parts.netloc, parts.query), (parts.netloc, parts.query))
    return urlunsplit(parts._replace(netloc=netloc, query=query))


def remember_owner(service_url: str, owner_url: str) -> None:
    """Have :func:`owner_url_of` know."""
    service, owner = urlsplit(service_url), urlsplit(owner_url)
    _OWNERS[service.netloc, service.query] = (owner.netloc, owner.query)


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A running server; ``template`` is a database on it with our schema and no rows.

    ``url`` is of who may make databases, ``service_url`` of the service's role: the same where none can be made.
    """

    url: str
    template: str
    service_url: str

    @property
    def service_role(self) -> str | None:
        """The role that owns nothing, if there is one."""
        return user_of(self.service_url) if self.service_url != self.url else None

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.service_url)._replace(path=f"/{database}"))

    async def create(self, *, empty: bool = False) -> str:
        """The URL of a new database, with our schema; of its owner when it is to be empty."""
        name = f"test_{secrets.token_hex(8)}"
        await self._command(f"CREATE DATABASE {name} TEMPLATE {_EMPTY if empty else self.template}")
        if empty:
            return owner_url_of(self.url_of(name))
        if self.service_role:
            # Of a template everything is copied but who may enter.
            await self._command(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
            await self._command(f"GRANT CONNECT ON DATABASE {name} TO {self.service_role}")
        return self.url_of(name)

    async def drop(self, url: str) -> None:
        """Drop it, whoever is still connected."""
        drop = f"DROP DATABASE IF EXISTS {urlsplit(url).path.strip('/')}"
        try:
            await self._command(f"{drop} WITH (FORCE)")
        except asyncpg.InsufficientPrivilegeError:
            # An autovacuum is at it, which by force only a superuser ends, and otherwise anybody.
            with suppress(asyncpg.ObjectInUseError):
                await self._command(drop)
            await self._command(f"{drop} WITH (FORCE)")

    async def _command(self, statement: str) -> None:
        await _answer(self.url, statement)


@contextmanager
def running_server() -> Iterator[DatabaseServer]:
    """A server with the template, for as long as the context lasts."""
    with _server_urls() as (url, service_url):
        remember_owner(service_url, url)
        server = DatabaseServer(url, f"test_template_{secrets.token_hex(8)}", service_url)
        asyncio.run(server._command(f"CREATE DATABASE {server.template} TEMPLATE {_EMPTY}"))
        schema.upgrade(owner_url_of(server.url_of(server.template)), service_role=server.service_role)
        try:
            yield server
        finally:
            asyncio.run(server.drop(server.url_of(server.template)))


@contextmanager
def _server_urls() -> Iterator[tuple[str, str]]:
    if given := os.environ.get(SERVER_URL):
        with _service_role_on(given) as service_url:
            yield given, service_url
        return
    with data_folder() as folder, EmbeddedPostgres(folder) as embedded:
        yield embedded.connect_or_start().dsn, service_connection(folder).dsn


@contextmanager
def _service_role_on(url: str) -> Iterator[str]:
    role, password = f"test_service_{secrets.token_hex(8)}", secrets.token_hex(16)
    if not asyncio.run(_answer(url, "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")):
        yield url
        return
    asyncio.run(_answer(url, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'"))
    parts = urlsplit(url)
    try:
        yield urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.netloc.rpartition('@')[2]}"))
    finally:
        asyncio.run(_drop_role(url, role))


_LEFT_TO = """
SELECT coalesce(array_agg(d.datname), '{}') FROM pg_database AS d CROSS JOIN aclexplode(d.datacl) AS a
WHERE a.grantee = (SELECT oid FROM pg_roles WHERE rolname = $1)
"""


async def _drop_role(url: str, role: str) -> None:
    """With the databases that somebody did not drop and only it may enter."""
    connection = await asyncpg.connect(url)
    try:
        for database in await connection.fetchval(_LEFT_TO, role):
            await connection.execute(f"DROP DATABASE {database} WITH (FORCE)")
        await connection.execute(f"DROP ROLE {role}")
    finally:
        await connection.close()


async def _answer(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder for an embedded PostgreSQL, which runs as another account when the tests are root's.

    Not pytest's ``tmp_path``: that lies in a folder only root may enter. The cluster goes with it, wherever it was put.
    """
    parent = Path(tempfile.mkdtemp(prefix="crm-auth-test-"))
    parent.chmod(0o755)
    folder = parent / "data"
    try:
        yield folder
    finally:
        shutil.rmtree(placement.state_folder(resolved(folder), placement.STATE_ROOT), ignore_errors=True)
        shutil.rmtree(parent, ignore_errors=True)
