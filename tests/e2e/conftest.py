"""One server for the tests that leave it running."""

from collections.abc import AsyncIterator

import pytest

from tests.support.client import ServiceClient, client_of
from tests.support.database import DatabaseServer
from tests.support.server import Server, running_server, settings_on

WORKERS = 2


@pytest.fixture(scope="session")
async def server(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Two workers on a database of the operator's, with no limits: whole classes of requests come from here.

    Every hash begins at once, so that none is refused for having waited on a machine that is busy with other things.
    """
    url = await database_server.create()
    settings = settings_on(url, rate_limits="off", hash_workers="16")
    with running_server(settings, workers=WORKERS, log=tmp_path_factory.mktemp("server") / "log") as server:
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
