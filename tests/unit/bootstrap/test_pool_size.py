"""Worker processes share the connections of the embedded PostgreSQL, those on which they listen included."""

import pytest

from bootstrap.server import pool_size
from bootstrap.settings import Settings

EXTERNAL = {
    "CRM_AUTH_DATABASE_URL": "postgresql://crm:pw@127.0.0.1:1/crm",
    "CRM_AUTH_SECRET_KEY": "vT9qLw2xRk7uPz4mYc8nJd3hFb6sGa1e",
}


@pytest.mark.parametrize(("workers", "size"), [(1, 10), (4, 10), (8, 5), (16, 2), (24, 1), (40, 1)])
def test_workers_share_what_the_embedded_database_takes(workers: int, size: int) -> None:
    assert pool_size(Settings.from_environment({}), workers) == size


def test_an_external_database_is_the_operators_to_reckon_with() -> None:
    assert pool_size(Settings.from_environment(EXTERNAL), 40) == 10
