"""The darkroom: a process with Pillow loaded that makes a copy of itself for every picture and outlives them all.

It never decodes anything itself. A copy inherits the picture in memory, gives up everything it could do harm with,
decodes, and hands over what it made; whatever one picture does to its decoder is gone before the next comes (F03, F04).
The server starts it clean, with the standard library alone, and it ends with the pipe to the server.
"""

import contextlib
import ctypes
import math
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from infrastructure.photos import frames
from infrastructure.photos.frames import BrokenFrame, Outcome, Verdict

MEMORY_LIMIT = 512 * 1024**2
"""Bytes of address space: 40 million pixels of a progressive JPEG take 400 MiB, the interpreter 60."""
TIME_LIMIT = 3.0
"""Seconds for one picture, or fewer if the server says so. The slowest that is allowed takes one and a half alone."""
_GIVE_WAY = 10
"""Behind whatever answers requests, yet before password hashing, which would starve it."""
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_FROM_SERVER, _TO_SERVER = 0, 1


def main() -> None:
    """Serve pictures until the server is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the server drains its requests first
        signal.signal(number, signal.SIG_IGN)
    _give_way()
    with contextlib.suppress(BrokenFrame):
        frames.send(_TO_SERVER, _loaded())
        while True:
            limit = frames.receive_limit(_FROM_SERVER)
            data = frames.receive(_FROM_SERVER, at_most=frames.MAX_PICTURE_BYTES)
            frames.send(_TO_SERVER, developed(data, min(limit, TIME_LIMIT)).packed())


def _loaded() -> bytes:
    """READY, or why no picture can be read."""
    try:
        from infrastructure.photos import pillow  # noqa: PLC0415 - loads decoders, which no other importer may

        pillow.warm()
    except Exception as error:  # noqa: BLE001 - told to the server, which logs it
        return repr(error).encode()[: frames.MAX_GREETING_BYTES]
    return frames.READY


def developed(data: bytes, limit: float) -> Outcome:
    """What a process of its own made of the picture in ``limit`` seconds.

    Raises BrokenFrame when the server has gone meanwhile.
    """
    reading, writing = os.pipe()
    darkroom = os.getpid()
    pid = os.fork()
    if pid == 0:
        _develop_and_exit(data, writing, darkroom)
    os.close(writing)
    try:
        answer = _until_closed(reading, time.monotonic() + limit)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(reading)
    if answer is None:
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    peak_kib = usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    if answer is None:
        verdict = Verdict.TOO_SLOW if cpu_seconds > TIME_LIMIT / 2 else Verdict.STARVED
        return Outcome(verdict, cpu_seconds, peak_kib)
    return _judged(answer, status, cpu_seconds, peak_kib)


def _judged(answer: bytes, status: int, cpu_seconds: float, peak_kib: int) -> Outcome:
    ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    if ended_by is None:
        with contextlib.suppress(BrokenFrame):
            outcome = Outcome.unpacked(answer)
            return Outcome(outcome.verdict, cpu_seconds, peak_kib, outcome.renditions)
    # A decoder that crashes has met a picture that was made for it.
    by_signal = {signal.SIGKILL: Verdict.KILLED, signal.SIGTERM: Verdict.KILLED, signal.SIGXCPU: Verdict.TOO_SLOW}
    return Outcome(by_signal.get(signal.Signals(ended_by or signal.SIGABRT), Verdict.UNREADABLE), cpu_seconds, peak_kib)


def _until_closed(reading: int, deadline: float) -> bytes | None:
    """All that is written, or None when the deadline passes first. Raises BrokenFrame when the server has gone."""
    poll, answer = select.poll(), bytearray()
    poll.register(reading, select.POLLIN)
    poll.register(_FROM_SERVER, 0)  # its end alone
    while (left := deadline - time.monotonic()) > 0 and len(answer) <= frames.MAX_OUTCOME_BYTES:
        ready = dict(poll.poll(left * 1000))
        if _FROM_SERVER in ready:
            raise BrokenFrame
        if reading in ready:
            part = os.read(reading, 64 * 1024)
            if not part:
                return bytes(answer)
            answer += part
    return None


def _develop_and_exit(data: bytes, writing: int, darkroom: int) -> NoReturn:
    """What the copy does: confine itself, decode, write, end. It never returns."""
    renditions: tuple[bytes, ...] = ()
    try:
        _confine(darkroom)
        from infrastructure.photos import pillow  # noqa: PLC0415 - loaded already

        made = pillow.rendered(data)
        verdict, renditions = Verdict.RENDERED, tuple(made[size] for size in sorted(made))
    except MemoryError:
        verdict = Verdict.TOO_LARGE
    except BaseException:  # noqa: BLE001 - whatever is raised, the picture was the reason
        verdict = Verdict.UNREADABLE
    try:
        answer = memoryview(Outcome(verdict, renditions=renditions).packed())
        while answer:
            answer = answer[os.write(writing, answer) :]
    finally:
        os._exit(0)


def _confine(darkroom: int) -> None:
    """Leave the picture a decoder, memory and a pipe: no files, no sockets, no programs, no words to the server."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != darkroom:  # killed before the line above
            os._exit(1)
        _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.close(_FROM_SERVER)
    os.close(_TO_SERVER)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT + 1)  # should the darkroom be killed: its end
    for limit, value in (
        (resource.RLIMIT_CPU, math.ceil(TIME_LIMIT)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_AS, MEMORY_LIMIT),
        (resource.RLIMIT_DATA, MEMORY_LIMIT),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open; nothing new can be
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system has every limit
            # At the soft limit of the processor comes a signal that tells it from a kill, a second later the kill.
            resource.setrlimit(limit, (value, value + (limit == resource.RLIMIT_CPU)))


def _give_way() -> None:
    os.nice(_GIVE_WAY)
    with contextlib.suppress(OSError):  # Linux: when memory runs out, this process and its copies go first
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
