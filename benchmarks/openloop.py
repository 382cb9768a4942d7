"""A client that sends when it is time to, whatever has come of what it sent before; it must cost next to nothing."""

import asyncio
import statistics
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True)
class Answered:
    due: float
    """When it was to be sent, in seconds of the loop."""
    seconds: float
    """From then to its answer: what a person waits, a late sender's delay included."""
    status: int
    """0 where the connection ended without an answer."""
    body: bytes


Told = Callable[[Answered], None]


class _Line(asyncio.Protocol):
    """One kept-alive connection with at most one request on it."""

    def __init__(self, crowd: "Crowd") -> None:
        self._crowd = crowd
        self._got = b""
        self._sent: tuple[float, Told] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, due: float, told: Told) -> None:
        self._sent = (due, told)
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0 or self._sent is None:
            return
        at = self._got.find(b"content-length: ", 0, end)
        size = int(self._got[at + 16 : self._got.index(b"\r", at)]) if at >= 0 else 0
        if len(self._got) >= end + 4 + size:
            status, body = int(self._got[9:12]), self._got[end + 4 : end + 4 + size]
            self._got = b""
            self._finish(status, body)
            self._crowd.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.lost(self)
        self._finish(0, b"")

    def _finish(self, status: int, body: bytes) -> None:
        if self._sent:
            (due, told), self._sent = self._sent, None
            told(Answered(due, asyncio.get_running_loop().time() - due, status, body))


class Crowd:
    """As many connections to a port as there are requests at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: deque[_Line] = deque()
        self._lines: set[_Line] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def send(self, request: bytes, due: float, told: Told) -> None:
        """At once; ``told`` is called with the answer."""
        if self._free:
            self._free.pop().ask(request, due, told)
            return
        task = asyncio.create_task(self._open(request, due, told))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def ask(self, request: bytes) -> Answered:
        """The same for who waits."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answered] = loop.create_future()
        self.send(request, loop.time(), answer.set_result)
        return await answer

    async def every(self, interval: float, requests: Iterable[bytes], told: Told, until: float) -> None:
        """One request after each interval, as the clock has it, until it shows that time."""
        loop, due = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        source: Iterator[bytes] = iter(requests)
        while due < until:
            while due <= loop.time() and due < until:
                self.send(next(source), due, told)
                due += interval
            await asyncio.sleep(max(0.0, min(due - loop.time(), interval)))

    async def drained(self) -> None:
        """Nothing is under way any more."""
        while self._opening or len(self._free) < len(self._lines):  # noqa: ASYNC110 - for the figures it is no matter when
            await asyncio.sleep(0.02)

    def free(self, line: _Line) -> None:
        self._free.append(line)

    def lost(self, line: _Line) -> None:
        self._lines.discard(line)
        if line in self._free:
            self._free.remove(line)

    def close(self) -> None:
        for line in list(self._lines):
            line.transport.abort()

    async def _open(self, request: bytes, due: float, told: Told) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, line = await loop.create_connection(lambda: _Line(self), "127.0.0.1", self._port)
        except OSError:
            told(Answered(due, loop.time() - due, 0, b""))
            return
        self._lines.add(line)
        line.ask(request, due, told)


def p99(answers: Iterable[Answered]) -> float:
    """Of the seconds; of less than a hundred, the longest."""
    seconds = sorted(answer.seconds for answer in answers)
    if len(seconds) < 100:
        return seconds[-1] if seconds else float("nan")
    return statistics.quantiles(seconds, n=100)[98]
