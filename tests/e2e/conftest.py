"""Servers for the tests that leave them running."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.client import ServiceClient, client_of
from tests.support.database import DatabaseServer
from tests.support.server import Server, running_server, settings_on

WORKERS = 2


@pytest.fixture(scope="session")
async def server(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Two workers on a database of the operator's, with no limits: whole classes of requests come from here."""
    async with _server(database_server, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
async def eager_server(
    database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    """The same, but every password check begins at once: for those that race checks, and want none refused."""
    async with _server(database_server, tmp_path_factory.mktemp("eager_server"), hash_workers="16") as server:
        yield server


@asynccontextmanager
async def _server(database_server: DatabaseServer, folder: Path, **more: str) -> AsyncIterator[Server]:
    url = await database_server.create()
    # Two of them at once, and the servers of single files, share the 100 connections of the embedded PostgreSQL.
    more |= {"database_pool_size": "5", "data_dir": str(folder), "photo_url": (folder / "photos").as_uri()}
    settings = settings_on(url, rate_limits="off", **more)
    with running_server(settings, workers=WORKERS, log=folder / "log") as server:
        yield server
    await database_server.drop(url)


@pytest.fixture
def database_url(server: Server) -> str:
    """The server's database."""
    return server.settings["CRM_AUTH_DATABASE_URL"]


@pytest.fixture
async def client(server: Server) -> AsyncIterator[ServiceClient]:
    async with client_of(server.url) as client:
        yield client
