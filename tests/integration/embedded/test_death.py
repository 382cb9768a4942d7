"""However the server, the owner process or PostgreSQL ends: no orphan, no lost commit, and the next start works."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from infrastructure.postgres.embedded import EmbeddedPostgres
from tests.integration.embedded.conftest import Serve
from tests.integration.embedded.processes import (
    children_of,
    cluster_of,
    eventually,
    is_running,
    lock_state,
    postgres_processes,
    postmaster_of,
    query,
)


def test_killed_server_with_lingering_children_leaves_no_orphan_and_loses_nothing(made: Path, serve: Serve) -> None:
    server = serve(made, "children")
    owner, children = server.said["owner"], server.said["children"]
    query(server.said["dsn"], "CREATE TABLE acknowledged (x int)", "INSERT INTO acknowledged VALUES (1) RETURNING x")
    server.kill()
    eventually(lambda: not is_running(owner), within=5)
    assert postgres_processes(made) == []
    assert all(is_running(child) for child in children)
    with EmbeddedPostgres(made) as embedded:
        assert query(embedded.start(), "DROP TABLE IF EXISTS never", "SELECT x FROM acknowledged") == 1
        query(embedded.start(), "DROP TABLE acknowledged", "SELECT 1")


def test_a_pipe_leaked_to_a_child_does_not_keep_postgres_alive(made: Path, serve: Serve) -> None:
    server = serve(made, "leak")
    owner, child = server.said["owner"], server.said["children"][0]
    server.kill()
    eventually(lambda: not is_running(owner), within=5)
    assert is_running(child)
    assert postgres_processes(made) == []


def test_restart_waits_for_an_owner_that_is_still_shutting_down(made: Path, serve: Serve) -> None:
    first = serve(made)
    assert first.said["owner"]
    postmaster = postmaster_of(made)
    os.kill(postmaster, signal.SIGSTOP)  # holds the shutdown up
    try:
        first.kill()
        eventually(lambda: lock_state(made) == "stopping")
        second = serve(made)
        with pytest.raises(AssertionError):  # longer than a live owner would be waited for
            eventually(lambda: second.process.poll() is not None, within=2.5)
    finally:
        os.kill(postmaster, signal.SIGCONT)
    assert query(second.said["dsn"], "SELECT 1") == 1


def test_restart_at_once_after_a_kill(made: Path, serve: Serve) -> None:
    for _ in range(3):
        server = serve(made)
        assert query(server.said["dsn"], "SELECT 1") == 1
        server.kill()
    with EmbeddedPostgres(made) as embedded:
        assert query(embedded.start(), "SELECT 1") == 1


def test_a_server_whose_owner_was_killed_can_start_again(made: Path) -> None:
    with EmbeddedPostgres(made) as embedded:
        assert embedded._owner
        owner = embedded._owner.pid
        os.kill(owner, signal.SIGKILL)
        eventually(lambda: not is_running(owner))
        assert query(embedded.start(), "SELECT 1") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_killed_owner_takes_postgres_along(made: Path, serve: Serve) -> None:
    os.kill(serve(made).said["owner"], signal.SIGKILL)
    eventually(lambda: not postgres_processes(made), within=5)


def test_killed_owner_does_not_keep_the_next_server_from_starting(made: Path, serve: Serve) -> None:
    server = serve(made)
    postmaster = postmaster_of(made) if server.said["owner"] else 0
    os.kill(server.said["owner"], signal.SIGKILL)
    with EmbeddedPostgres(made) as embedded:  # at once: PostgreSQL may still be there
        assert query(embedded.start(), "SELECT 1") == 1
        assert postmaster_of(made) != postmaster
        assert not is_running(postmaster)


def test_a_postgres_that_outlived_its_owner_is_recognised_and_stopped(made: Path, serve: Serve) -> None:
    """As on a system without a signal at the parent's death."""
    server = serve(made, "no-death-signal")
    owner, postmaster = server.said["owner"], postmaster_of(made)
    os.kill(owner, signal.SIGKILL)
    server.kill()
    assert query(server.said["dsn"], "SELECT 1") == 1
    with EmbeddedPostgres(made) as embedded:
        assert query(embedded.start(), "SELECT 1") == 1
        assert not is_running(postmaster)


def test_a_stale_pid_file_naming_an_unrelated_process_harms_neither(made: Path, serve: Serve) -> None:
    data = cluster_of(made) / "data"
    owner = data.stat()
    account: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    bystander = subprocess.Popen(["sleep", "60"], **(account if os.geteuid() == 0 else {}))
    try:
        stale = data / "postmaster.pid"
        stale.write_text(
            f"{bystander.pid}\n{data}\n1700000000\n5432\n{data.parent}/socket\n\n  1234567         1\nready   \n"
        )
        os.chown(stale, owner.st_uid, owner.st_gid)
        with EmbeddedPostgres(made) as embedded:
            assert query(embedded.start(), "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_killed_postgres_is_started_again(made: Path) -> None:
    with EmbeddedPostgres(made) as embedded:
        info = embedded.start()
        first = postmaster_of(made)
        os.kill(first, signal.SIGKILL)

        def answers() -> bool:
            try:
                return bool(query(info, "SELECT 1") == 1)
            except (OSError, asyncpg.PostgresError):  # away, then starting up
                return False

        eventually(lambda: not is_running(first))
        eventually(answers)
        assert postmaster_of(made) != first


def test_signals_of_terminal_and_service_manager_do_not_reach_postgres(made: Path, serve: Serve) -> None:
    server = serve(made)
    owner, postmaster = server.said["owner"], postmaster_of(made)
    sessions = {os.getsid(pid) for pid in (server.pid, owner, postmaster)}
    assert len(sessions) == 3
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(owner, number)
    assert query(server.said["dsn"], "SELECT 1") == 1
    os.killpg(server.pid, signal.SIGINT)  # Ctrl-C; this server dies of it
    server.process.wait()
    eventually(lambda: not is_running(owner), within=5)
    assert postgres_processes(made) == []


@pytest.mark.parametrize("owner_too", [False, True], ids=["server killed", "server and owner killed"])
def test_interrupted_initdb_is_recovered_from(tmp_path: Path, serve: Serve, *, owner_too: bool) -> None:
    data_dir = tmp_path / "data"
    server = serve(data_dir)
    eventually((data_dir / "postgres.json").exists)
    cluster = cluster_of(data_dir)
    eventually(lambda: list(cluster.glob("new-*/data/global/*")))
    owners = children_of(server.pid)
    if owner_too:
        for owner in owners:
            os.kill(owner, signal.SIGKILL)
    server.kill()
    assert not (cluster / "data").exists()
    eventually(lambda: not any(is_running(owner) for owner in owners))
    with EmbeddedPostgres(data_dir) as embedded:
        assert query(embedded.start(), "SELECT 1") == 1
    assert not list(cluster.glob("new-*"))
