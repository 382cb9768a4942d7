"""Starting PostgreSQL's programs so that they see no terminal, no stray environment, and do not outlive their owner."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from infrastructure.postgres.embedded.errors import StartFailed

# Nothing of the caller's PG* or LC_* settings reaches the cluster; a fixed zone also spares initdb a search.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def launch(
    command: Sequence[str],
    *,
    at_owners_death: signal.Signals,
    log: Path | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; without ``log`` its input and output are pipes.

    Linux sends it ``at_owners_death`` should the owner process be killed; elsewhere the next start finds it.
    """
    owner = os.getpid()

    def prepare() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(at_owners_death))
            if os.getppid() != owner:  # killed before the line above
                os._exit(1)

    def start(output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  (no shell; the program is one of the chosen binaries)
            command,
            stdin=subprocess.DEVNULL if log else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_ENVIRONMENT | (environment or {}),
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509  (unsafe beside threads; the owner process has one)
        )

    if log is None:
        return start(subprocess.PIPE)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        return start(descriptor)
    finally:
        os.close(descriptor)


def adopt_orphans() -> None:
    """Have PostgreSQL's processes that outlive their own parent become children of this one, to be waited for.

    Otherwise they fall to process 1, which in a container is often the server, and which never waits for strangers.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def wait_for_orphans(limit: float = 3.0) -> None:
    """Return when no child is left, ``limit`` seconds at most; for when every child launched has been waited for."""
    deadline = time.monotonic() + limit
    with suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.002)


def run(
    command: Sequence[str],
    *,
    text: str = "",
    limit: float,
    pause: Callable[[float], None],
    environment: dict[str, str] | None = None,
) -> None:
    """Run a program of few words to its end, with ``text`` as its input. Raises StartFailed with what it said.

    ``limit`` is in seconds. Whatever ``pause`` raises ends the program.
    """
    deadline = time.monotonic() + limit
    with launch(command, at_owners_death=signal.SIGTERM, environment=environment) as process:
        assert process.stdin is not None  # noqa: S101  (a pipe, as no log was given)
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(text.encode())
                process.stdin.close()
            while process.poll() is None and time.monotonic() < deadline:
                pause(0.005)
        finally:
            process.terminate()
        assert process.stdout is not None  # noqa: S101  (as above)
        said = process.stdout.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise StartFailed(f"{Path(command[0]).name} failed (status {process.returncode}):\n{said}")
