"""Nobody else on the machine gets in, and nothing else on it is changed."""

import stat
import sys
from pathlib import Path

import asyncpg
import pytest

from infrastructure.postgres.embedded import ConnectionInfo, EmbeddedPostgres, EmbeddedPostgresError, connection_info
from infrastructure.postgres.embedded.socket_folder import prepare_socket_folder
from tests.integration.embedded.processes import cluster_of, eventually, postgres_processes, query

LONG = Path("x" * 60) / ("y" * 60)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_the_password_is_demanded(made: Path) -> None:
    with EmbeddedPostgres(made) as embedded:
        info = embedded.start()
        assert len(info.password) >= 43
        for password in ("wrong", "", info.password[:-1]):
            with pytest.raises(asyncpg.InvalidPasswordError):
                query(info, "SELECT 1", password=password)
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            query(info, "SELECT 1", user="postgres")
        assert query(info, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    rules = (cluster_of(made) / "data" / "pg_hba.conf").read_text()
    assert rules == "local all crm_auth,crm_auth_service scram-sha-256\n"


def test_c02_files_and_folders_are_private(made: Path) -> None:
    with EmbeddedPostgres(made) as embedded:
        info = embedded.start()
        cluster = cluster_of(made)
        assert [mode(folder) for folder in (made, cluster, cluster / "data", cluster / "log")] == [0o700] * 4
        assert mode(Path(info.host)) == 0o700
        assert mode(Path(info.socket)) == 0o700
        names = ("postgres.json", "postgres-service.json", "postgres.lock")
        assert [mode(made / name) for name in names] == [0o600] * 3
        assert not [path for path in cluster.rglob("*") if path.is_file() and mode(path) & 0o077]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_c02_no_process_listens_on_tcp(made: Path) -> None:
    with EmbeddedPostgres(made) as embedded:
        assert query(embedded.start(), "SHOW listen_addresses") == ""
        tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
        listening = {fields[9] for table in tables for fields in map(str.split, table) if fields[3] == "0A"}
        held = {
            str(descriptor.readlink())
            for pid in postgres_processes(made)
            for descriptor in Path(f"/proc/{pid}/fd").iterdir()
            if descriptor.is_symlink()
        }
        assert held
        assert not held & {f"socket:[{inode}]" for inode in listening}


def test_folders_above_are_left_alone(open_folder: Path, tmp_path: Path) -> None:
    for top in (open_folder, tmp_path):
        data_dir = top / "within" / "data"
        data_dir.parent.mkdir(mode=0o755)
        above = list(data_dir.parents)
        before = [(mode(path), path.stat().st_uid, path.stat().st_gid) for path in above]
        with EmbeddedPostgres(data_dir):
            assert [(mode(path), path.stat().st_uid, path.stat().st_gid) for path in above] == before
            assert mode(data_dir) == 0o700


def test_g02_the_log_tells_neither_statements_nor_values(made: Path) -> None:
    with EmbeddedPostgres(made) as embedded:
        info = embedded.start()
        query(
            info, "CREATE TABLE people (email text PRIMARY KEY)", "INSERT INTO people VALUES ('secret@x') RETURNING 1"
        )
        for statement in ("INSERT INTO people VALUES ('secret@x')", "SELECT 'secret'::int", "SELECT secret FROM"):
            with pytest.raises(asyncpg.PostgresError):
                query(info, statement)
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(info, "SELECT 1", password="secret")
        query(info, "DROP TABLE people", "SELECT 1")
    logs = "".join(log.read_text() for log in (cluster_of(made) / "log").iterdir())
    assert "ready to accept connections" in logs
    assert "secret" not in logs
    assert "people" not in logs
    assert info.password not in logs


def test_a_long_path_gets_a_short_private_socket_folder(open_folder: Path) -> None:
    data_dir = open_folder / LONG
    data_dir.mkdir(parents=True)
    with EmbeddedPostgres(data_dir) as embedded:
        info = embedded.start()
        assert cluster_of(data_dir) == data_dir / "postgres"
        assert mode(data_dir / "postgres") == 0o700
        assert mode(data_dir) == 0o755  # as it was
        assert query(info, "SELECT 1") == 1
        assert len(info.socket) <= 100
        folder = Path(info.host)
        assert mode(folder) == 0o700
        assert folder.stat().st_uid == cluster_of(data_dir).stat().st_uid
    assert not folder.exists()

    folder.symlink_to(open_folder)  # as another user of the machine might
    try:
        with pytest.raises(EmbeddedPostgresError, match="not safe"):
            EmbeddedPostgres(data_dir).start()
    finally:
        folder.unlink()


@pytest.mark.parametrize("trap", ["link", "open", "file", "replaceable"])
def test_a_socket_folder_that_others_prepared_is_refused(tmp_path: Path, trap: str) -> None:
    folder = tmp_path / "shared" / "socket"
    folder.parent.mkdir()
    match trap:
        case "link":
            (tmp_path / "private").mkdir(mode=0o700)
            folder.symlink_to(tmp_path / "private")
        case "open":
            folder.mkdir()
            folder.chmod(0o777)
        case "file":
            folder.touch(mode=0o600)
        case _:
            folder.parent.chmod(0o777)
    with pytest.raises(EmbeddedPostgresError, match="not safe"):
        prepare_socket_folder(folder)


def test_lost_credentials_are_not_papered_over(made: Path) -> None:
    credentials = made / "postgres.json"
    kept = made / "kept"
    cluster = cluster_of(made)
    credentials.rename(kept)
    try:
        with pytest.raises(EmbeddedPostgresError, match="credentials"):
            EmbeddedPostgres(made).start()
        credentials.write_text("{")
        with pytest.raises(EmbeddedPostgresError, match="damaged"):
            connection_info(made)
    finally:
        kept.replace(credentials)
    assert cluster_of(made) == cluster


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_g02_a_process_list_shows_no_password(made: Path) -> None:
    """Neither in a process's arguments nor in its environment."""
    with EmbeddedPostgres(made) as embedded:
        info: ConnectionInfo = embedded.start()
        owner = embedded._owner
        assert owner
        for pid in (owner.pid, *eventually(lambda: postgres_processes(made))):
            for name in ("cmdline", "environ"):
                assert info.password.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
