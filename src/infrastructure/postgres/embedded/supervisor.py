"""The server's side of the embedded PostgreSQL: start its owner process, hear that it is ready, let go of it."""

import contextlib
import json
import logging
import os
import select
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from infrastructure.postgres.embedded import placement
from infrastructure.postgres.embedded.binaries import candidate_folders
from infrastructure.postgres.embedded.connection import ConnectionInfo, connection_info, resolved
from infrastructure.postgres.embedded.errors import (
    ERRORS_BY_NAME,
    DataFolderInUse,
    EmbeddedPostgresError,
    NotRunning,
    StartFailed,
)
from infrastructure.postgres.embedded.lock import RUNNING, holder_of

_LOG = logging.getLogger("crm_auth.embedded_postgres")
_START_LIMIT = 180.0  # seconds, above the owner's own limits for initdb and for becoming ready
_JOIN_LIMIT = 60.0  # seconds for another server to get ready
_STOP_LIMIT = 30.0  # seconds, above the owner's for shutting down

# Found by the folder that holds the import packages, so that it works installed, editable, and from a checkout.
_IMPORT_ROOT = Path(__file__).resolve().parents[3]
_OWNER = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from infrastructure.postgres.embedded.owner import main; sys.exit(main())"
)


class EmbeddedPostgres:
    """The PostgreSQL beneath one data folder. ``start`` and ``stop`` block; call them outside an event loop."""

    def __init__(self, data_dir: Path, *, binaries: Path | None = None) -> None:
        """``binaries`` is a ``bin`` folder to prefer to those found by search."""
        self._data_dir = resolved(data_dir)
        self._binaries = binaries
        self._owner: subprocess.Popen[bytes] | None = None

    def start(self) -> ConnectionInfo:
        """Own the cluster, made now if it is not there, until ``stop`` or the end of this process.

        Raises DataFolderInUse when another server owns it, else another EmbeddedPostgresError. Takes about 0.1 s, a
        second when the cluster is new.
        """
        if self._owner is not None and self._owner.poll() is not None:
            self.stop()  # it was killed: begin again
        if self._owner is None:
            candidates = candidate_folders(self._binaries)
            _LOG.info("Starting the embedded PostgreSQL of %s (for one machine only)", self._data_dir)
            self._owner = _launch_owner(self._data_dir)
            _RUNNING.add(self)
            try:
                self._send_request(candidates)
                self._wait_until_ready()
            except BaseException:
                self.stop()
                raise
        return connection_info(self._data_dir)

    def stop(self) -> None:
        """Shut PostgreSQL down, breaking connections off, and wait for it. Does nothing unless ``start`` was called."""
        owner, self._owner = self._owner, None
        if owner is None:
            return
        assert owner.stdin is not None  # noqa: S101  (a pipe, by the call that made it)
        owner.stdin.close()
        with contextlib.suppress(TimeoutError):
            for _ in _lines(owner, _STOP_LIMIT):
                pass
        owner.kill()  # ended by now; should it hang, its death shuts PostgreSQL down
        with owner:
            pass
        _LOG.info("Stopped the embedded PostgreSQL of %s", self._data_dir)

    def connect_or_start(self) -> ConnectionInfo:
        """Join the cluster that a running server owns, without owning it, or start it as ``start`` does."""
        deadline = time.monotonic() + _JOIN_LIMIT
        while time.monotonic() < deadline:
            holder = self._holder_state()
            if holder == RUNNING and _answers(info := connection_info(self._data_dir)):
                return info
            if holder is None or self._owner is not None:
                with contextlib.suppress(DataFolderInUse):  # another one was faster: join it
                    return self.start()
            time.sleep(0.02)
        raise StartFailed(f"The server that owns the data folder {self._data_dir} is not getting PostgreSQL ready.")

    def join(self, *, within: float) -> ConnectionInfo:
        """Join the cluster that a running server owns, waiting ``within`` seconds for one, and never start it.

        For what runs for long beside servers: as the owner it would keep them from starting. Raises NotRunning.
        """
        deadline = time.monotonic() + within
        while time.monotonic() <= deadline:
            if self._holder_state() == RUNNING and _answers(info := connection_info(self._data_dir)):
                return info
            time.sleep(0.1)
        raise NotRunning(
            f"The embedded PostgreSQL of {self._data_dir} is run by `crm-auth serve`, which did not for {within:.0f} s."
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _holder_state(self) -> str | None:
        try:
            holder = holder_of(self._data_dir)
        except OSError as error:
            raise EmbeddedPostgresError(f"Cannot use the data folder {self._data_dir}: {error.strerror}.") from error
        return holder.state if holder else None

    def _send_request(self, candidates: list[Path]) -> None:
        request = {
            "data_dir": str(self._data_dir),
            "state_root": str(placement.STATE_ROOT),
            "binaries": [str(folder) for folder in candidates],
        }
        assert self._owner is not None  # noqa: S101  (just launched)
        assert self._owner.stdin is not None  # noqa: S101  (a pipe, by the call that made it)
        with contextlib.suppress(BrokenPipeError):  # its last words are read next
            self._owner.stdin.write(json.dumps(request).encode() + b"\n")

    def _wait_until_ready(self) -> None:
        assert self._owner is not None  # noqa: S101  (just launched)
        said: list[str] = []
        try:
            for line in _lines(self._owner, _START_LIMIT):
                match _report(line):
                    case {"kind": "ready", "message": str(message)}:
                        _LOG.info("Ready: %s", message)
                        return
                    case {"kind": "log", "message": str(message)}:
                        _LOG.info("%s", message)
                    case {"kind": "failed", "error": str(name), "message": str(message)}:
                        raise ERRORS_BY_NAME[name](message)
                    case _:
                        said.append(line)
        except TimeoutError as error:
            raise StartFailed(f"PostgreSQL was not ready after {_START_LIMIT:.0f} seconds.") from error
        raise StartFailed("The process that runs PostgreSQL ended unexpectedly:\n" + "\n".join(said))


def _launch_owner(data_dir: Path) -> subprocess.Popen[bytes]:
    """Standard library only (-S) and no environment (-I): it starts fast, and nothing in the way can alter it."""
    try:
        return subprocess.Popen(  # noqa: S603  (this interpreter, and code of ours)
            [sys.executable, "-I", "-S", "-c", _OWNER, str(_IMPORT_ROOT), f"PostgreSQL of {data_dir}"],
            stdin=subprocess.PIPE,  # Python closes our end in every program we start
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            cwd="/",
            start_new_session=True,  # Ctrl-C reaches the server alone, which drains its requests first
        )
    except OSError as error:
        raise StartFailed(f"Cannot start {sys.executable}: {error.strerror}.") from error


def _lines(owner: subprocess.Popen[bytes], limit: float) -> Iterator[str]:
    """What the owner process says, until it ends. Raises TimeoutError after ``limit`` seconds."""
    assert owner.stdout is not None  # noqa: S101  (a pipe, by the call that made it)
    descriptor, text, deadline = owner.stdout.fileno(), b"", time.monotonic() + limit
    while True:
        readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            raise TimeoutError
        part = os.read(descriptor, 65536)
        if not part:
            return
        *lines, text = (text + part).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)


def _report(line: str) -> object:
    """The report in a line, None when the line is something else (the last words of a broken interpreter)."""
    try:
        report: object = json.loads(line)
    except ValueError:
        return None
    return report


def _answers(info: ConnectionInfo) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1.0)
        try:
            client.connect(info.socket)
        except OSError:
            return False
        return True


_RUNNING: "weakref.WeakSet[EmbeddedPostgres]" = weakref.WeakSet()


def _disown_in_child() -> None:
    """In a forked worker: drop the pipe, whose end must come with the server's, and make ``stop`` do nothing."""
    for embedded in list(_RUNNING):
        owner, embedded._owner = embedded._owner, None  # noqa: SLF001  (same module)
        if owner is not None and owner.stdin is not None and owner.stdout is not None:
            owner.stdin.close()
            owner.stdout.close()
            owner.returncode = 0  # not a child of this process: nothing to wait for


os.register_at_fork(after_in_child=_disown_in_child)
