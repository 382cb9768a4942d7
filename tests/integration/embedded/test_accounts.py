"""Run as root, PostgreSQL runs as an account without rights; run as anyone else, as that one."""

import os
import pwd
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from infrastructure.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from infrastructure.postgres.embedded.binaries import candidate_folders
from tests.integration.embedded.conftest import Serve, needs_root
from tests.integration.embedded.processes import cluster_of, is_running, postgres_processes, query

NOBODY = pwd.getpwnam("nobody")


def uids(pid: int) -> set[int]:
    """Real, effective and saved user id; root kept in any of them could be had back."""
    told = Path(f"/proc/{pid}/status").read_text().partition("Uid:")[2]
    return {int(uid) for uid in told.splitlines()[0].split()}


def python_for_everyone() -> str:
    """An interpreter that any account may run: root's own may lie in root's home."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        command = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        with suppress(OSError):
            ran = subprocess.run(command, check=False, user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[])
            if ran.returncode == 0:
                return python
    return pytest.skip("no interpreter here that the account nobody may run")


@needs_root
def test_no_process_keeps_root(made: Path) -> None:
    with EmbeddedPostgres(made) as embedded:
        embedded.start()
        assert embedded._owner
        pids = [embedded._owner.pid, *postgres_processes(made)]
        assert len(pids) > 4
        assert set().union(*map(uids, pids)) == {cluster_of(made).stat().st_uid} != {0}


@needs_root
def test_a_data_folder_closed_to_the_account_has_its_cluster_in_the_state_folder(made: Path, state_root: Path) -> None:
    cluster = cluster_of(made)
    assert cluster.parent == state_root
    assert cluster.stat().st_uid != 0
    assert not (made / "postgres").exists()


@needs_root
def test_a_data_folder_opened_up_or_moved_away_is_not_begun_afresh(open_folder: Path) -> None:
    data_dir, moved = open_folder / "data", open_folder / "moved"
    with EmbeddedPostgres(data_dir):
        cluster = cluster_of(data_dir)
    data_dir.chmod(0o755)
    with EmbeddedPostgres(data_dir):
        assert cluster_of(data_dir) == cluster
    data_dir.chmod(0o700)
    data_dir.rename(moved)
    with pytest.raises(EmbeddedPostgresError, match="move it there"):
        EmbeddedPostgres(moved).start()
    moved.rename(data_dir)
    with EmbeddedPostgres(data_dir) as embedded:
        assert query(embedded.start(), "SELECT 1") == 1


@needs_root
def test_a_data_folder_of_another_account_is_served_as_that_account(open_folder: Path, serve: Serve) -> None:
    data_dir = open_folder / "data"
    data_dir.mkdir(mode=0o700)
    os.chown(data_dir, NOBODY.pw_uid, NOBODY.pw_gid)
    with EmbeddedPostgres(data_dir) as embedded:
        assert query(embedded.start(), "SELECT 1") == 1
        assert cluster_of(data_dir) == data_dir / "postgres"
    owners = {path.lstat().st_uid for path in (data_dir, *data_dir.rglob("*"))}
    assert owners == {NOBODY.pw_uid}


@needs_root
def test_binaries_closed_to_the_account_are_copied_once(tmp_path: Path, state_root: Path) -> None:
    """A virtualenv beneath root's home; ``tmp_path`` is as closed as that."""
    found = candidate_folders(None)[0]
    if not any(found.parent.glob("share/**/postgres.bki")):
        pytest.skip("the binaries found are not self-contained: no wheel installed")
    package = found.parent.parent
    closed = tmp_path / package.name / found.parent.name
    shutil.copytree(found.parent, closed, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    if package.with_name(f"{package.name}.libs").is_dir():
        shutil.copytree(package.with_name(f"{package.name}.libs"), tmp_path / f"{package.name}.libs")
    for _ in range(2):
        with EmbeddedPostgres(tmp_path / "data", binaries=closed / "bin") as embedded:
            assert query(embedded.start(), "SELECT 1") == 1
        command = (cluster_of(tmp_path / "data") / "data" / "postmaster.opts").read_text()
        assert command.startswith(f"{state_root}/postgresql-")
    (copy,) = state_root.glob("postgresql-*")
    assert not [path for path in copy.rglob("*") if path.lstat().st_uid != 0 or path.stat().st_mode & 0o022]


@needs_root
def test_as_an_ordinary_user(open_folder: Path, state_root: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    script = Path(__file__).with_name("holding_server.py")
    server = subprocess.Popen(
        [python_for_everyone(), str(script), str(home / "data"), str(state_root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(script.parents[3] / "src"), "PATH": os.environ["PATH"]},
        user=NOBODY.pw_uid,
        group=NOBODY.pw_gid,
        extra_groups=[],
    )
    with server:
        assert server.stdout
        assert b'"dsn"' in server.stdout.readline()
        assert cluster_of(home / "data") == home / "data" / "postgres"
        running = postgres_processes(home / "data")
        assert set().union(*map(uids, running)) == {NOBODY.pw_uid}
    assert not any(map(is_running, running))


@needs_root
def test_a_user_id_without_an_entry_is_told_so(open_folder: Path, state_root: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 54321, 54321)
    script = Path(__file__).with_name("holding_server.py")
    said = subprocess.run(
        [python_for_everyone(), str(script), str(home / "data"), str(state_root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"PYTHONPATH": str(script.parents[3] / "src"), "PATH": os.environ["PATH"]},
        user=54321,
        group=54321,
        extra_groups=[],
        text=True,
        check=True,
    ).stdout
    assert "NoSuitableAccount" in said
    assert "54321 has no entry in the user database" in said
