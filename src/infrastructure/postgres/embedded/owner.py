"""The owner process: holds the data folder's lock, runs PostgreSQL, and brings it down when the server goes.

The server starts it with the standard library alone and holds a pipe to its standard input. It ignores the signals of
terminals and service managers: the server drains its requests first, and the end of the pipe says that it is done.
Run by root it becomes the unprivileged account before it touches the cluster; everything it needs is imported by then.
"""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from infrastructure.postgres.embedded.account import account_to_run_as, become
from infrastructure.postgres.embedded.binaries import Binaries
from infrastructure.postgres.embedded.children import adopt_orphans
from infrastructure.postgres.embedded.cluster import Cluster
from infrastructure.postgres.embedded.connection import ConnectionInfo
from infrastructure.postgres.embedded.control import Control, Reports, ServerGone
from infrastructure.postgres.embedded.errors import EmbeddedPostgresError, StartFailed
from infrastructure.postgres.embedded.leftover import stop_leftover
from infrastructure.postgres.embedded.lock import RUNNING, STOPPING, DataFolderLock, acquire
from infrastructure.postgres.embedded.placement import local_folder, state_folder
from infrastructure.postgres.embedded.postmaster import Postmaster, passing_over
from infrastructure.postgres.embedded.provision import provision
from infrastructure.postgres.embedded.socket_folder import prepare_socket_folder, remove_socket_folder

_LOOK = 1.0  # seconds between looks at PostgreSQL; the end of the pipe is noticed at once
_BEFORE_RESTART = 0.5  # seconds


def main() -> int:
    """Run until the server goes; the exit status says whether PostgreSQL could be run."""
    # A handler, not SIG_IGN: that one PostgreSQL would inherit.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ignore)
    os.umask(0o077)
    adopt_orphans()
    control, reports = Control(sys.stdin.fileno()), Reports(sys.stdout.fileno())
    request: dict[str, Any] = {}
    try:
        request = control.request()
        _own(Path(request["data_dir"]), request, control, reports)
    except ServerGone:
        return 0
    except EmbeddedPostgresError as error:
        reports.failed(error)
        return 1
    except OSError as error:
        reports.failed(
            EmbeddedPostgresError(f"PostgreSQL cannot be kept in {request.get('data_dir')}: {error.strerror} ({error})")
        )
        return 1
    return 0


def _own(data_dir: Path, request: dict[str, Any], control: Control, reports: Reports) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = acquire(data_dir, server=control.server, pause=control.pause)
    try:
        state_root, candidates = Path(request["state_root"]), [Path(folder) for folder in request["binaries"]]
        account = account_to_run_as((state_folder(data_dir, state_root), local_folder(data_dir), data_dir))
        given = provision(data_dir, account, state_root, candidates, reports)
        cluster, binaries = given.cluster, given.binaries
        become(account)
        if not cluster.exists:
            reports.log(f"Creating a PostgreSQL {binaries.version} cluster in {cluster.folder}")
            cluster.create(binaries, given.owner, control.pause)
        cluster.prepare(given.owner.user, given.service.user)
        _Keeper(cluster, given.service, binaries, lock, control, reports).keep_running()
    finally:
        lock.mark(STOPPING)


@dataclass(slots=True)
class _Keeper:
    cluster: Cluster
    info: ConnectionInfo
    binaries: Binaries
    lock: DataFolderLock
    control: Control
    reports: Reports
    announced: bool = False

    def keep_running(self) -> None:
        """Run PostgreSQL until ServerGone; when it dies by itself (memory, an operator's kill), start it again."""
        try:
            while True:
                try:
                    self._run_once()
                except StartFailed:
                    if not self.announced:  # still the server's to hear and to say
                        raise
                self.control.pause(_BEFORE_RESTART)
        finally:
            remove_socket_folder(Path(self.info.host), self.cluster.folder)

    def _run_once(self) -> None:
        prepare_socket_folder(Path(self.info.host))
        environment = passing_over(stop_leftover(self.cluster.data, self.control.pause))
        self.cluster.admit(self.binaries, self.info, self.control.pause, environment=environment)
        command = self.cluster.command(self.binaries, self.info)
        postmaster = Postmaster(self.cluster, command, environment=environment)
        try:
            postmaster.wait_until_ready(self.control.pause)
            self._announce()
            while postmaster.running:
                self.control.pause(_LOOK)
        except ServerGone:
            self.lock.mark(STOPPING)  # before the wait that follows, for a server that wants to start now
            raise
        finally:
            postmaster.stop()

    def _announce(self) -> None:
        if self.announced:
            return
        self.lock.mark(RUNNING)
        self.reports.ready(f"PostgreSQL {self.binaries.version} of {self.binaries.folder} in {self.cluster.folder}")
        self.announced = True


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass
