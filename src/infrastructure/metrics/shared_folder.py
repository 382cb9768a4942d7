"""The figures of all worker processes of one server, whichever of them is asked.

They listen on one socket, so each answer comes from another one. Every process writes its figures into a folder that
they share, once a second, and adds up what is there when it is asked. It writes its own just before, so a counter that
was told never goes back. What processes that are gone have counted stays, gathered into one file.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep, time
from typing import TextIO

from msgspec import DecodeError, msgpack

from infrastructure.metrics.catalogue import INSTRUMENTS
from infrastructure.metrics.reading import NOTHING, Reading, read, together

log = logging.getLogger("crm_auth.metrics")

WRITE_EVERY = 1.0
"""Seconds."""
_STALE_AFTER = 10.0
"""Seconds. The gauges of a process that has not written for longer say nothing of now."""
_LOCK_TRIES = 10
_LOCK_PAUSE = 0.002
"""Seconds between them, on an event loop. Who has the lock needs less than all together, unless it is hung."""
_GONE = "gone"
_LOCK = "lock"
_SUFFIX = ".process"


class SharedFolder:
    """Where the processes of one server leave their figures; made by whoever starts them, and theirs alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / f"{os.getpid()}{_SUFFIX}"

    def write(self) -> None:
        """Leave the figures of this process. Without a place to leave them the others go without."""
        try:
            _replace(self._own, read(INSTRUMENTS))
        except OSError as failure:
            log.warning("the figures of this process cannot be shared: %s", type(failure).__name__)

    def read(self) -> Reading:
        """The figures of all of them."""
        self.write()
        try:
            with self._locked() as is_locked:
                # Without it, what is there is told as it is: a figure may be off while another process gathers.
                if is_locked:
                    self._gather()
                return together([_reading(self._folder / _GONE), *map(_current, self._living())], INSTRUMENTS)
        except OSError:
            return read(INSTRUMENTS)

    def _living(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    def _gather(self) -> None:
        """Put what processes that are gone have counted into one file."""
        gone = [path for path in self._living() if not _runs(int(path.name.removesuffix(_SUFFIX)))]
        if not gone:
            return
        counted = together([_reading(self._folder / _GONE), *map(_reading, gone)], INSTRUMENTS).counted
        _replace(self._folder / _GONE, Reading(counted, {}))
        for path in gone:
            path.unlink()

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        with (self._folder / _LOCK).open("w") as lock:
            yield _lock_soon(lock)


def _lock_soon(file: TextIO) -> bool:
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sleep(_LOCK_PAUSE)
        else:
            return True
    return False


def _current(path: Path) -> Reading:
    reading = _reading(path)
    with suppress(FileNotFoundError):
        if time() - path.stat().st_mtime > _STALE_AFTER:
            return Reading(reading.counted, {})
    return reading


def _reading(path: Path) -> Reading:
    try:
        return msgpack.decode(path.read_bytes(), type=Reading)
    except (FileNotFoundError, DecodeError):
        return NOTHING


def _replace(path: Path, reading: Reading) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    unfinished.write_bytes(msgpack.encode(reading))
    unfinished.replace(path)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
