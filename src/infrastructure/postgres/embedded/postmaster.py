"""The running server: becoming ready and going down."""

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infrastructure.postgres.embedded.children import launch, wait_for_orphans
from infrastructure.postgres.embedded.cluster import Cluster
from infrastructure.postgres.embedded.errors import StartFailed

READY_LIMIT = 30.0  # seconds
# Fast, then immediate (as safe as a power cut), then by force; seconds each is given.
_SHUTDOWN = ((signal.SIGINT, 12.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 3.0))


@dataclass(frozen=True, slots=True)
class PidFile:
    """What a server says of itself in ``postmaster.pid``."""

    pid: int
    socket: str
    status: str


def read_pid_file(data: Path) -> PidFile | None:
    """None when there is none, or none complete yet."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return PidFile(int(lines[0]), f"{lines[4]}/.s.PGSQL.{lines[3]}", "".join(lines[7:8]).strip())
    except (FileNotFoundError, ValueError, IndexError):
        return None


def passing_over(unrelated_pid: int | None) -> dict[str, str]:
    """What has PostgreSQL take a pid file for stale whose number now belongs to an unrelated process.

    It takes the number of its grandparent for stale (pg_ctl uses this too), and still checks that no process of an
    earlier server holds the shared memory, a check that removing the file would defeat.
    """
    return {"PG_GRANDPARENT_PID": str(unrelated_pid)} if unrelated_pid else {}


class Postmaster:
    """The server process, child of the owner process."""

    def __init__(self, cluster: Cluster, command: list[str], *, environment: dict[str, str]) -> None:
        """Start the server, with :func:`passing_over` in its environment."""
        self._cluster = cluster
        self._process = launch(command, at_owners_death=signal.SIGINT, log=cluster.startup_log, environment=environment)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def wait_until_ready(self, pause: Callable[[float], None]) -> None:
        """Return when connections are taken. Raises StartFailed with the end of the server's log."""
        deadline = time.monotonic() + READY_LIMIT
        while self.running and time.monotonic() < deadline:
            found = read_pid_file(self._cluster.data)
            if found and found.pid == self._process.pid and found.status == "ready":
                return
            pause(0.003)
        why = f"was not ready after {READY_LIMIT:.0f} seconds" if self.running else "stopped while starting"
        raise StartFailed(f"PostgreSQL {why}; its log ends with:\n{self._cluster.log_tail()}")

    def stop(self) -> None:
        """Shut down, breaking connections off; returns when the process and its log writer have ended."""
        for number, limit in _SHUTDOWN:
            self._process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(limit)
                break
        wait_for_orphans()
