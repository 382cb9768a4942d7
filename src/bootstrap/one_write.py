"""Each answer sent in one piece, to a client that reads it."""

from asyncio import AbstractEventLoop, Transport
from typing import Any

_GATHERED_MAX_BYTES = 64 * 1024
"""More than that is sent at once: it is what the transport itself takes before it says that it is full. What is that
large alone is not joined to anything, for that would be one more copy of it."""
_LAST_WORDS_SECONDS = 30


class OneWritePerTurn:
    """A transport that gathers what is written in one turn of the event loop and writes it as one.

    uvicorn writes head and content of an answer apart, which is a system call each and wakes the client twice. That
    was an eighth of the processor time of a refreshed session, 465 to 408 us. Whatever is not here is the
    transport's own.
    """

    __slots__ = ("_gathered", "_loop", "_size", "_transport")

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Sent before the loop turns, in the order of writing."""
        if len(data) >= _GATHERED_MAX_BYTES:
            self._flush()
            self._pass_on(data)
            return
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(data)
        self._size += len(data)
        if self._size > _GATHERED_MAX_BYTES:
            self._flush()

    def close(self) -> None:
        """Sends what was written before, and closes; whoever does not read it is not waited for without end."""
        self._flush()
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._loop.call_later(_LAST_WORDS_SECONDS, self._transport.abort)

    def write_eof(self) -> None:
        """Sends what was written before, and says that no more comes."""
        self._flush()
        self._transport.write_eof()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if not self._gathered:
            return
        data = b"".join(self._gathered)
        self._gathered.clear()
        self._size = 0
        self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)
