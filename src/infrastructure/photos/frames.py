"""What the server and the darkroom say to each other over pipes: messages with their length in front.

A length is checked before anything is read, and a deadline is kept however slowly the other side reads or writes.
"""

import os
import select
import struct
import time
from dataclasses import dataclass
from enum import IntEnum

from domain.photos.photo import PHOTO_MAX_BYTES, PhotoSize

MAX_RENDITION_BYTES = 1024 * 1024
"""Of one rendition: four times what the noise of 512 by 512 pixels takes."""
MAX_OUTCOME_BYTES = 16 + len(PhotoSize) * (4 + MAX_RENDITION_BYTES)
MAX_PICTURE_BYTES = PHOTO_MAX_BYTES
READY = b"ready"
"""The darkroom's first message, unless it says why it cannot work."""
MAX_GREETING_BYTES = 1000
_CHUNK = 64 * 1024
_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">BII")


class BrokenFrame(Exception):
    """The other side is gone, or says what no side of ours would."""


class Verdict(IntEnum):
    """What became of a picture. A closed list, so that a darkroom taken over cannot put words into our mouth."""

    RENDERED = 0
    UNREADABLE = 1
    TOO_LARGE = 2
    """It asked for more memory than it may have."""
    TOO_SLOW = 3
    """It used up its time, or its share of the processor."""
    STARVED = 4
    """Its time passed while the machine did other things."""
    KILLED = 5
    """Somebody or something outside ended its process: the kernel when memory ran out, for one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, what it cost (seconds of processor time, peak memory in KiB), and the renditions if there are."""

    verdict: Verdict
    cpu_seconds: float = 0.0
    peak_kib: int = 0
    renditions: tuple[bytes, ...] = ()

    def packed(self) -> bytes:
        """As the body of a message."""
        head = _HEAD.pack(self.verdict, int(self.cpu_seconds * 1000), self.peak_kib)
        return head + b"".join(_LENGTH.pack(len(data)) + data for data in self.renditions)

    @classmethod
    def unpacked(cls, body: bytes) -> "Outcome":
        """Raises BrokenFrame for what :meth:`packed` cannot have made."""
        try:
            verdict, cpu_milliseconds, peak_kib = _HEAD.unpack_from(body)
            renditions, at = [], _HEAD.size
            while at < len(body):
                (length,) = _LENGTH.unpack_from(body, at)
                at += _LENGTH.size
                renditions.append(body[at : at + length])
                at += length
            outcome = cls(Verdict(verdict), cpu_milliseconds / 1000, peak_kib, tuple(renditions))
        except (struct.error, ValueError):
            raise BrokenFrame from None
        if at != len(body) or len(renditions) != (len(PhotoSize) if outcome.verdict is Verdict.RENDERED else 0):
            raise BrokenFrame
        return outcome


def send(descriptor: int, body: bytes, *, deadline: float | None = None) -> None:
    """Write one message. Raises TimeoutError or BrokenFrame.

    ``deadline`` is a time of ``time.monotonic``, here and below, and is kept if the pipe does not block.
    """
    _send_all(descriptor, _LENGTH.pack(len(body)), deadline)
    _send_all(descriptor, body, deadline)  # by itself: a copy would be another 5 MiB


def _send_all(descriptor: int, data: bytes, deadline: float | None) -> None:
    rest = memoryview(data)
    while rest:
        _wait(descriptor, select.POLLOUT, deadline)
        try:
            rest = rest[os.write(descriptor, rest[:_CHUNK]) :]
        except BlockingIOError:
            continue
        except OSError:
            raise BrokenFrame from None


def send_limit(descriptor: int, seconds: float, *, deadline: float) -> None:
    """How long a picture, which is the next message, may take."""
    _send_all(descriptor, _LENGTH.pack(int(max(0.0, seconds) * 1000)), deadline)


def receive_limit(descriptor: int) -> float:
    """What :func:`send_limit` said. Raises BrokenFrame."""
    (milliseconds,) = _LENGTH.unpack(_exactly(descriptor, _LENGTH.size, None))
    return float(milliseconds) / 1000


def receive(descriptor: int, *, at_most: int, deadline: float | None = None) -> bytes:
    """Read one message of at most so many bytes. Raises TimeoutError or BrokenFrame."""
    (length,) = _LENGTH.unpack(_exactly(descriptor, _LENGTH.size, deadline))
    if length > at_most:
        raise BrokenFrame
    return _exactly(descriptor, length, deadline)


def _exactly(descriptor: int, count: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        _wait(descriptor, select.POLLIN, deadline)
        try:
            part = os.read(descriptor, min(_CHUNK, count - len(parts)))
        except BlockingIOError:
            continue
        if not part:
            raise BrokenFrame
        parts += part
    return bytes(parts)


def _wait(descriptor: int, event: int, deadline: float | None) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not poll.poll(left):
        raise TimeoutError
