"""Starting, joining and stopping."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infrastructure.postgres.embedded import (
    ConnectionInfo,
    DataFolderInUse,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    connection_info,
)
from tests.integration.embedded.conftest import Serve
from tests.integration.embedded.processes import is_running, lock_state, postgres_processes, postmaster_of, query


def test_cold_start_then_warm_start_keeps_data(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, record_property: Callable[[str, object], None]
) -> None:
    caplog.set_level(logging.INFO, "crm_auth.embedded_postgres")
    data_dir = tmp_path / "new" / "a, b 'ü\" & %41"
    embedded = EmbeddedPostgres(data_dir)
    began = time.monotonic()
    info = embedded.start()
    cold = time.monotonic() - began
    assert query(info, "CREATE TABLE kept (x int)", "INSERT INTO kept VALUES (7) RETURNING x") == 7
    began = time.monotonic()
    embedded.stop()
    stop = time.monotonic() - began
    assert postgres_processes(data_dir) == []
    began = time.monotonic()
    assert embedded.start() == info
    warm = time.monotonic() - began
    assert query(info, "SELECT x FROM kept") == 7
    embedded.stop()
    for name, seconds in (("cold", cold), ("warm", warm), ("stop", stop)):
        record_property(name, seconds)
    assert cold < 20
    assert warm < min(cold, 5)
    assert stop < 5
    assert "Ready: PostgreSQL 1" in caplog.text
    assert info.password not in caplog.text


def test_start_and_stop_can_be_repeated(made: Path) -> None:
    embedded = EmbeddedPostgres(made)
    embedded.stop()
    with embedded:
        running = postmaster_of(made)
        assert embedded.start() == connection_info(made)
        assert postmaster_of(made) == running
    embedded.stop()


def test_the_settings_of_the_cluster(made: Path) -> None:
    with EmbeddedPostgres(made) as embedded:
        info = embedded.start()

        def setting(name: str) -> str:
            return str(query(info, f"SHOW {name}"))

        assert setting("server_encoding") == "UTF8"
        assert query(info, "SELECT datcollate FROM pg_database WHERE datname = current_database()") in {"C.UTF-8", "C"}
        assert [setting(name) for name in ("data_checksums", "fsync", "full_page_writes")] == ["on", "on", "on"]
        assert setting("max_connections") == "100"
        assert setting("TimeZone") == "UTC"
        assert 15 <= int(setting("server_version_num")) // 10000 <= 18


def test_a_second_server_is_told_who_owns_the_folder(made: Path, serve: Serve) -> None:
    first = serve(made)
    assert first.said["owner"]
    second = serve(made).said
    assert second["error"] == "DataFolderInUse"
    assert str(made) in second["message"]
    assert f"process {first.pid}" in second["message"]
    with pytest.raises(DataFolderInUse):
        EmbeddedPostgres(made).start()
    assert query(first.said["dsn"], "SELECT 1") == 1


def test_a_command_joins_the_running_cluster_without_owning_it(made: Path, serve: Serve) -> None:
    assert serve(made).said["owner"]
    running = postmaster_of(made)
    joined = EmbeddedPostgres(made)
    info = joined.connect_or_start()
    assert query(info, "SELECT 1") == 1
    joined.stop()
    assert query(info, "SELECT 1") == 1
    assert postmaster_of(made) == running


def test_a_command_starts_the_cluster_when_nobody_does(made: Path) -> None:
    embedded = EmbeddedPostgres(made)
    assert query(embedded.connect_or_start(), "SELECT 1") == 1
    assert query(embedded.connect_or_start(), "SELECT 1") == 1
    embedded.stop()
    assert postgres_processes(made) == []


def test_commands_racing_for_a_new_folder_all_get_in(tmp_path: Path, serve: Serve) -> None:
    commands = [serve(tmp_path / "data", "join") for _ in range(3)]
    assert [query(command.said["dsn"], "SELECT 1") for command in commands] == [1, 1, 1]
    assert sum(command.said["owner"] is not None for command in commands) == 1


def test_a_worker_reads_the_credentials_and_a_stranger_folder_has_none(made: Path, tmp_path: Path) -> None:
    with EmbeddedPostgres(made) as embedded:
        assert connection_info(made) == embedded.start()
    with pytest.raises(EmbeddedPostgresError, match="no embedded PostgreSQL yet"):
        connection_info(tmp_path)


def test_two_spellings_are_one_folder(made: Path, tmp_path: Path, serve: Serve) -> None:
    assert serve(made).said["owner"]
    link = tmp_path / "link"
    link.symlink_to(made)
    with pytest.raises(DataFolderInUse):
        EmbeddedPostgres(link).start()


def test_a_forked_child_neither_stops_nor_holds_the_cluster(made: Path, serve: Serve) -> None:
    server = serve(made, "fork")
    assert server.said["forked"] == 0
    assert is_running(server.said["owner"])
    assert query(server.said["dsn"], "SELECT 1") == 1
    assert lock_state(made) == "running"


def test_credentials_survive_odd_paths_and_stay_out_of_sight() -> None:
    info = ConnectionInfo(host="/a b/ü&x=1", port=5432, user="u", password="p/@:?#%", database="d")
    assert "p/@" not in repr(info)
    assert info.dsn == "postgresql://u:p%2F%40%3A%3F%23%25@/d?host=%2Fa%20b%2F%C3%BC%26x%3D1&port=5432"
