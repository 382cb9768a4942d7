"""The service signs in to the embedded PostgreSQL as a role that owns nothing (C05)."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from bootstrap.server import with_database
from bootstrap.settings import Settings
from infrastructure.postgres import schema
from infrastructure.postgres.embedded import EmbeddedPostgres, connection_info, service_connection
from tests.integration.embedded.processes import cluster_of, postmaster_of, query
from tests.support.database import data_folder

pytestmark = pytest.mark.usefixtures("same_umask")


def _as_superuser(data: Path, postgres: Path, statement: str) -> None:
    """In the only way there is: alone, while the server does not run, as the account that it runs as."""
    owner = data.stat().st_uid if os.geteuid() == 0 else None
    subprocess.run(
        [str(postgres), "--single", "-D", str(data), "-c", "exit_on_error=true", "crm_auth"],
        input=statement.encode() + b"\n",
        user=owner,
        extra_groups=[] if owner else None,
        cwd="/",
        env={},
        capture_output=True,
        check=True,
    )


def test_c05_a_cluster_of_a_version_with_one_role_gets_its_second() -> None:
    """And keeps its rows, and the owner's way in, so that the older version finds it as it was."""
    with data_folder() as folder:
        with EmbeddedPostgres(folder) as embedded:
            owner = embedded.start()
            schema.upgrade(owner.dsn)
            query(owner, "INSERT INTO unowned_photos (id) VALUES ('kept') RETURNING 1")
            postgres = Path(f"/proc/{postmaster_of(folder)}/exe").readlink()
            before = (folder / "postgres.json").read_bytes()
        cluster = cluster_of(folder)
        _as_superuser(cluster / "data", postgres, "DROP ROLE crm_auth_service")
        (cluster / "service_role").unlink()
        (folder / "postgres-service.json").unlink()

        with with_database(Settings(data_dir=folder)) as settings:
            assert settings.database_url == service_connection(folder).dsn
            assert query(settings.database_url, "SELECT current_user") == "crm_auth_service"
            assert query(settings.database_url, "SELECT id FROM unowned_photos") == "kept"
            for forbidden in ("DROP TABLE users", "SELECT lo_create(0)", "CREATE TEMPORARY TABLE t (x integer)"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    query(settings.database_url, forbidden)
            schema.check(connection_info(folder).dsn, service_role="crm_auth_service")
        assert (folder / "postgres.json").read_bytes() == before


def test_c07_another_password_of_the_service_is_had_by_taking_its_file_away(made: Path) -> None:
    with EmbeddedPostgres(made):
        before = service_connection(made)
    (made / "postgres-service.json").unlink()
    with EmbeddedPostgres(made):
        after = service_connection(made)
        assert after.password != before.password
        assert query(after, "SELECT 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(before, "SELECT 1")
    assert replace(after, password=before.password) == before
