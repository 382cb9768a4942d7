"""Looking at real processes, with deadlines in place of sleeps."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from infrastructure.postgres.embedded import ConnectionInfo

T = TypeVar("T")
SOURCES = Path(__file__).resolve().parents[3] / "src"
SCRIPT = Path(__file__).with_name("holding_server.py")


def eventually(look: Callable[[], T], *, within: float = 10.0) -> T:
    """The first true answer; poll, as there is nothing to wait on for other people's processes."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.005)
    return seen


def query(info: ConnectionInfo | str, *statements: str, **settings: Any) -> Any:
    """Run statements on a connection of their own; the value that the last one gives."""

    async def ask() -> Any:
        dsn = info if isinstance(info, str) else info.dsn
        connection = await asyncpg.connect(dsn, timeout=10, ssl=False, **settings)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(ask())


def cluster_of(data_dir: Path) -> Path:
    return Path(json.loads((data_dir / "postgres.json").read_text())["cluster"])


def postmaster_of(data_dir: Path) -> int:
    return int((cluster_of(data_dir) / "data" / "postmaster.pid").read_text().splitlines()[0])


def lock_state(data_dir: Path) -> str:
    return str(json.loads((data_dir / "postgres.lock").read_text())["state"])


def postgres_processes(data_dir: Path) -> list[int]:
    """Every process that works in the cluster's data folder, as all of PostgreSQL's do."""
    data = str(cluster_of(data_dir) / "data")
    if sys.platform != "linux":
        listed = subprocess.run(["pgrep", "-f", data], capture_output=True, text=True, check=False).stdout
        return [int(pid) for pid in listed.split()]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str((process / "cwd").readlink()) == data:
                found.append(int(process.name))
    return found


def is_running(pid: int) -> bool:
    """Whether the process runs; one that ended and was not waited for does not."""
    return any(listed == pid and not state.startswith("Z") for listed, _, state in _processes())


def children_of(pid: int) -> list[int]:
    return [child for child, parent, _ in _processes() if parent == pid]


def _processes() -> Iterator[tuple[int, int, str]]:
    """Process id, the parent's, and the state of every process; slim images have no ``ps``."""
    if sys.platform != "linux":
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
        yield from ((int(pid), int(parent), state) for pid, parent, state in map(str.split, listed.stdout.splitlines()))
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, parent, *_ = (process / "stat").read_text().rpartition(")")[2].split()
            yield int(process.name), int(parent), state


class HoldingServer:
    """``holding_server.py`` in a process and session of its own."""

    def __init__(self, data_dir: Path, state_root: Path, *flags: str, python: str = sys.executable) -> None:
        self.process = subprocess.Popen(
            [python, str(SCRIPT), str(data_dir), str(state_root), *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES)},
            start_new_session=True,
        )
        self._said: dict[str, Any] | None = None

    @property
    def said(self) -> dict[str, Any]:
        if self._said is None:
            assert self.process.stdout
            self._said = json.loads(self.process.stdout.readline())
        return self._said

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        for child in (self._said or {}).get("children", []):
            with suppress(ProcessLookupError):
                os.kill(child, 9)
        with suppress(BrokenPipeError), self.process:
            pass  # its standard input ends here
