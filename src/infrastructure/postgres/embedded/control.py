"""The owner process's two lines to the server: the pipe that ends with it, and the reports back."""

import json
import os
import select
from contextlib import suppress
from typing import Any


class ServerGone(Exception):
    """The server stopped or died: PostgreSQL is to be shut down."""


class Control:
    """The read end of a pipe whose only write end is the server's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.server = os.getppid()

    def request(self) -> dict[str, Any]:
        """Read the one line that the server writes: what to start. Raises ServerGone."""
        line = b""
        while not line.endswith(b"\n"):
            part = os.read(self._descriptor, 65536)
            if not part:
                raise ServerGone
            line += part
        request: dict[str, Any] = json.loads(line)
        return request

    def pause(self, seconds: float) -> None:
        """Wait that long. Raises ServerGone at once when the server goes.

        The end of the pipe tells it, however the server ended. Should code that forks without Python's knowledge have
        kept a copy of the write end, the change of parent tells it by the next look.
        """
        readable, _, _ = select.select([self._descriptor], [], [], seconds)
        if (readable and not os.read(self._descriptor, 65536)) or os.getppid() != self.server:
            raise ServerGone


class Reports:
    """One JSON object a line; a server that is gone reads none, and that is no error."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def log(self, message: str) -> None:
        """Have the server log something."""
        self._send({"kind": "log", "message": message})

    def ready(self, message: str) -> None:
        """Say that PostgreSQL takes connections."""
        self._send({"kind": "ready", "message": message})

    def failed(self, error: Exception) -> None:
        """Say why it does not."""
        self._send({"kind": "failed", "error": type(error).__name__, "message": str(error)})

    def _send(self, report: dict[str, str]) -> None:
        with suppress(BrokenPipeError):
            os.write(self._descriptor, json.dumps(report).encode() + b"\n")
