"""A server started from the image, watched from outside: first healthy answer, memory, end by signal."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image_check.contents import USER_ID
from image_check.journey import Service
from image_check.processes import CheckFailed, descendants, end, status_field, wait_for

START_SECONDS = 60.0
STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The server process itself, the one an orchestrator would signal, below the launcher that isolates it."""

    service: Service
    launcher: subprocess.Popen[bytes]
    pid: int
    seconds_to_healthy: float

    def resident_mebibytes(self) -> float:
        """Memory of the server and everything below it."""
        sizes = [status_field(pid, "VmRSS") for pid in [self.pid, *descendants(self.pid)]]
        return sum(int(size.split()[0]) for size in sizes if size) / 1024

    def stop(self) -> float:
        """Seconds from SIGTERM to the end; CheckFailed when it takes too long or the exit status is not 0."""
        began = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        try:
            status = self.launcher.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise CheckFailed(f"SIGTERM: still running after {STOP_SECONDS:g} s") from None
        if status:
            raise CheckFailed(f"SIGTERM: exit status {status}, expected 0")
        return time.monotonic() - began


@contextmanager
def running(service: Service, launch: Callable[[], subprocess.Popen[bytes]], log: Path) -> Iterator[RunningServer]:
    """Starts the server, waits for its first healthy answer and leaves nothing running.

    Raises CheckFailed, with the end of `log`, when it does not start or does not run as the image's user.
    """
    began = time.monotonic()
    launcher = launch()
    try:
        wait_for("first healthy answer", START_SECONDS, lambda: _healthy(service, launcher, log))
        seconds = time.monotonic() - began
        pid = _server_below(launcher.pid)
        if status_field(pid, "Uid").split() != [str(USER_ID)] * 4:
            raise CheckFailed(f"the server runs as {status_field(pid, 'Uid')}, expected {USER_ID}")
        yield RunningServer(service, launcher, pid, seconds)
    finally:
        end(launcher)


def _healthy(service: Service, launcher: subprocess.Popen[bytes], log: Path) -> bool | None:
    if launcher.poll() is not None:
        raise CheckFailed(f"the server ended with status {launcher.returncode}\n{log.read_text()[-4000:]}")
    return service.healthy()


def _server_below(launcher: int) -> int:
    launchers = ("buildah", "unshare")
    for pid in [launcher, *descendants(launcher)]:
        command = Path(f"/proc/{pid}/cmdline").read_text()
        if not command.startswith(launchers):
            return pid
    raise CheckFailed("no server process below its launcher")
