"""One server for what has to be seen from outside; with limits on, and a log that tells all it ever tells."""

from collections.abc import AsyncIterator

import pytest

from tests.support.database import DatabaseServer
from tests.support.server import Server, running_server, settings_on


@pytest.fixture(scope="session")
async def guarded_server(
    database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    """Two workers on a database of the operator's. Tests may restart it, and leave it running."""
    url = await database_server.create()
    settings = settings_on(url, log_level="debug", hash_workers="8")
    with running_server(settings, workers=2, log=tmp_path_factory.mktemp("guarded") / "log") as server:
        yield server
    await database_server.drop(url)


@pytest.fixture
def guarded_database(guarded_server: Server) -> str:
    """The server's database."""
    return guarded_server.settings["CRM_AUTH_DATABASE_URL"]
