"""A server that outlived its owner process, which was killed: find it beyond doubt and stop it.

The pid in ``postmaster.pid`` alone proves nothing, as numbers are used again. The kernel names the process that listens
on the socket in our private folder: only when both agree is it the server of this cluster. No command line is searched.
"""

import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

from infrastructure.postgres.embedded.errors import StartFailed
from infrastructure.postgres.embedded.postmaster import PidFile, read_pid_file

_DOUBT = 1.0  # seconds for a server on its way down or up to be recognised
_SHUTDOWN = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 8.0))
_LOCAL_PEERPID = 2  # <sys/un.h> of macOS; its level SOL_LOCAL is 0


def stop_leftover(data: Path, pause: Callable[[float], None]) -> int | None:
    """Stop what is left of an earlier start; to be called with the data folder's lock held.

    Returns the pid that a stale file names when it belongs to an unrelated process now. Raises StartFailed when the
    server does not go.
    """
    deadline = time.monotonic() + _DOUBT
    while (left := read_pid_file(data)) is not None and _is_alive(left.pid):
        if _listener(left.socket) == left.pid:
            _stop(data, left, pause)
        elif time.monotonic() > deadline:
            return left.pid
        else:
            pause(0.02)
    return None


def _stop(data: Path, server: PidFile, pause: Callable[[float], None]) -> None:
    for number, limit in _SHUTDOWN:
        os.kill(server.pid, number)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            found = read_pid_file(data)
            if found is None or found.pid != server.pid or not _is_alive(server.pid):
                return
            pause(0.01)
    raise StartFailed(f"An earlier PostgreSQL (process {server.pid}) still uses {data} and does not stop.")


def _is_alive(pid: int) -> bool:
    """Whether one of our account's processes has this number; PostgreSQL ignores those of others as well."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _listener(path: str) -> int | None:
    """Process id of our account's process that listens on a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1.0)
        try:
            client.connect(path)
        except OSError:
            return None
        pid: int | None
        if sys.platform == "darwin":
            pid = client.getsockopt(0, _LOCAL_PEERPID)
        else:
            peer, uid, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            pid = peer if uid == os.geteuid() else None
        return pid
