"""One owner for one data folder: an exclusive ``flock``, and beside it a line that says who holds it and what it does.

The lock belongs to the owner process alone, which keeps it until PostgreSQL is down. It is close-on-exec, so neither
postgres nor a worker can outlive the server with it. Only the lock decides; the line is for messages and for patience.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infrastructure.postgres.embedded.connection import give_to_owner_of
from infrastructure.postgres.embedded.errors import DataFolderInUse

FILE_NAME = "postgres.lock"
STARTING, RUNNING, STOPPING = "starting", "running", "stopping"

_PATIENCE = 1.0  # seconds for an owner whose server was just killed to notice it
_STOPPING_PATIENCE = 25.0  # seconds for an owner that noticed to bring PostgreSQL down
_LINE_LENGTH = 128  # fixed, so that one write replaces the whole line


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: process id of the server (0 when unknown) and the state of its owner process."""

    server: int
    state: str


class DataFolderLock:
    """The held lock; let go when its process ends, however it ends."""

    def __init__(self, descriptor: int, server: int) -> None:
        self._descriptor = descriptor
        self._server = server
        self.mark(STARTING)

    def mark(self, state: str) -> None:
        """Say what the owner is doing."""
        line = json.dumps({"server": self._server, "state": state}).ljust(_LINE_LENGTH - 1) + "\n"
        os.pwrite(self._descriptor, line.encode(), 0)


def acquire(data_dir: Path, *, server: int, pause: Callable[[float], None]) -> DataFolderLock:
    """Take the lock, waiting for an owner that is shutting down but not for a live one. Raises DataFolderInUse."""
    descriptor = os.open(data_dir / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    give_to_owner_of(data_dir, descriptor)
    began = time.monotonic()
    while not _try(descriptor, fcntl.LOCK_EX):
        holder = _read(descriptor)
        if time.monotonic() - began > (_STOPPING_PATIENCE if holder.state == STOPPING else _PATIENCE):
            os.close(descriptor)
            raise DataFolderInUse(
                f"The data folder {data_dir} is in use by another server (process {holder.server or 'unknown'}): "
                "stop that one first, or set another CRM_AUTH_DATA_DIR."
            )
        pause(0.02)
    return DataFolderLock(descriptor, server)


def holder_of(data_dir: Path) -> Holder | None:
    """Who owns the data folder now; None when nobody does."""
    try:
        descriptor = os.open(data_dir / FILE_NAME, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        return None if _try(descriptor, fcntl.LOCK_SH) else _read(descriptor)
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> Holder:
    try:
        line = json.loads(os.pread(descriptor, _LINE_LENGTH, 0))
        return Holder(int(line["server"]), str(line["state"]))
    except (ValueError, KeyError, TypeError):
        return Holder(0, STARTING)  # taken this instant, nothing said yet
