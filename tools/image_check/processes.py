"""Commands run to their end, and the processes of a container that shares this machine's process table."""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

Found = TypeVar("Found")
END_SECONDS = 10.0


class CheckFailed(Exception):
    """Something about the image, or about making it, is not as promised; the text says what."""


def run(*command: str, env: Mapping[str, str] | None = None, user: str | None = None, quiet: bool = False) -> str:
    """Standard output of a command, run with `env` added to the environment.

    Raises CheckFailed with the end of both outputs when the command fails; `quiet` keeps its arguments out of the text.
    """
    process = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        user=user,
        group=None if user is None else user_group(user),
        extra_groups=None if user is None else [],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        output, errors = process.communicate()
    finally:
        end(process)
    if process.returncode:
        shown = command[0] if quiet else " ".join(command)
        raise CheckFailed(f"{shown}: exit status {process.returncode}\n{(output + errors)[-4000:]}")
    return output


def user_group(user: str) -> int:
    """The user's own group: a server that drops root keeps no group of root's."""
    return pwd.getpwnam(user).pw_gid


def wait_for(what: str, seconds: float, probe: Callable[[], Found | None]) -> Found:
    """The first answer of `probe` that is not None; CheckFailed after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = probe()
        if found is not None:
            return found
        time.sleep(0.02)
    raise CheckFailed(f"{what}: not within {seconds:g} s")


def status_field(pid: int, field: str) -> str:
    """One line of /proc/PID/status, such as Uid or VmRSS; empty when the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(f"{field}:")), "")


def descendants(pid: int) -> Iterator[int]:
    """Children and their children, nearest first."""
    generation = [pid]
    while generation:
        children = [child for parent in generation for child in _children(parent)]
        yield from children
        generation = children


def _children(pid: int) -> list[int]:
    # Every thread keeps its own list, and a Go program forks from any of them.
    listed: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            listed += [int(child) for child in children.read_text().split()]
        except OSError:
            continue
    return listed


def end(process: subprocess.Popen[Any]) -> None:
    """Ends a process and all below it, if it still runs: an interrupted or failed check leaves nothing going on."""
    if process.poll() is not None:
        return
    doomed = list(_frozen(process.pid))
    for pid in doomed:
        _send(pid, signal.SIGKILL)
    process.wait()
    # Grandchildren die in their own time, and one that still writes would undo the clean-up that follows.
    wait_for("end of killed processes", END_SECONDS, lambda: None if any(map(_runs, doomed)) else True)


def _frozen(pid: int) -> Iterator[int]:
    # Stopped before its children are listed: a running parent could make another one meanwhile.
    _send(pid, signal.SIGSTOP)
    yield pid
    for child in _children(pid):
        yield from _frozen(child)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _runs(pid: int) -> bool:
    return status_field(pid, "State")[:1] not in {"", "Z", "X"}
