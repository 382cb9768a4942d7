"""A version on an embedded database that a newer one has had."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.server import with_database
from bootstrap.settings import Settings
from infrastructure.postgres import schema_version
from infrastructure.postgres.embedded import EmbeddedPostgres, connection_info, service_connection
from tests.integration.embedded.processes import query
from tests.support.database import data_folder

AHEAD = (
    "UPDATE schema_version SET version_num = '9999'",
    "CREATE TABLE of_tomorrow (x integer)",
    "GRANT INSERT, SELECT ON of_tomorrow TO crm_auth_service",
)
"""What a newer version does. What the older one writes may need its right, in a trigger."""


@pytest.fixture
def folder(same_umask: None) -> Iterator[Path]:
    """A data folder whose schema is that of this version."""
    with data_folder() as folder:
        with with_database(Settings(data_dir=folder)):
            pass
        yield folder


def _as_owner(folder: Path, *statements: str) -> None:
    with EmbeddedPostgres(folder):
        query(connection_info(folder), *statements, "SELECT 1")


def test_x11_it_starts_and_leaves_what_the_newer_one_made(folder: Path) -> None:
    """X11: the newer one will run again, and a worker that joins this one waits for no migration."""
    _as_owner(folder, *AHEAD)

    with with_database(Settings(data_dir=folder)) as settings:
        url = settings.database_url
        assert url == service_connection(folder).dsn
        assert query(url, schema_version.REVISION) == "9999"
        assert query(url, "INSERT INTO of_tomorrow VALUES (7) RETURNING x") == 7
        assert schema_version.will_do(url)


def test_c05_rights_that_are_not_those_of_its_own_schema_are_mended(folder: Path) -> None:
    _as_owner(folder, "REVOKE INSERT ON users FROM crm_auth_service")

    with with_database(Settings(data_dir=folder)) as settings:
        assert settings.database_url
        assert query(settings.database_url, "SELECT has_table_privilege('users', 'INSERT')") is True
