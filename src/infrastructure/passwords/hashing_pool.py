"""Threads for password hashing: few, polite, and never with more in front of them than they can do in time (D01)."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from domain.errors import Overloaded

T = TypeVar("T")

QUEUE_PER_WORKER = 16
_NICEST = 19


class HashingPool:
    """A thread pool with a bounded queue, for any number of event loops, one after the other or at once.

    ``workers`` run at once, so they bound the memory of hashing (D03): the C library keeps one hash's memory for each
    thread and no more, measured; having it given back after each hash cost half as much time again in page faults.
    ``queue_length`` more may wait, 16 for each worker by default, none longer than ``max_wait`` seconds. No thread is
    started before the first work.
    """

    def __init__(self, *, workers: int, queue_length: int | None = None, max_wait: float = 1.0) -> None:
        if queue_length is None:
            queue_length = QUEUE_PER_WORKER * workers
        if workers < 1 or queue_length < 0 or max_wait <= 0:
            raise ValueError("A hashing pool has at least one worker, a queue of at least 0 and a wait above 0 s.")
        self._limit = workers + queue_length
        self._max_wait = max_wait
        self._closed = False
        self._unfinished: set[object] = set()
        self._workers = workers
        self._threads = self._new_threads()

    @contextmanager
    def opened(self) -> Iterator["HashingPool"]:
        """The pool, closed at the end of the context; it may be opened again."""
        if self._closed:
            self._threads, self._closed = self._new_threads(), False
        try:
            yield self
        finally:
            self.close()

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread and give its result or raise its exception.

        Raises Overloaded at once when the queue is full, after ``max_wait`` when it was not begun by then, and when
        the pool is closed. Work whose awaiting task is cancelled before it is begun is never done: clients that hang
        up must not keep those who stay waiting.
        """
        job = self._admit(work)
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = job.cancel()

        patience = asyncio.get_running_loop().call_later(self._max_wait, expire)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            if expired or self._closed:
                raise _overloaded() from None
            raise
        finally:
            patience.cancel()

    def close(self) -> None:
        """Refuse what waits and what comes, and wait for the hashes being made (one's time at most)."""
        self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _new_threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._workers, thread_name_prefix="hashing", initializer=_give_way)

    def _admit(self, work: Callable[[], T]) -> Future[T]:
        if self._closed or len(self._unfinished) >= self._limit:
            raise _overloaded()
        job = self._threads.submit(work)
        self._unfinished.add(job)
        job.add_done_callback(self._unfinished.discard)
        return job


def _give_way() -> None:
    """Lower the calling thread's own priority, so that hashing takes the time that answering leaves over (D02).

    Linux alone has priorities of threads; elsewhere the number would be taken for that of a process.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICEST)


def _overloaded() -> Overloaded:
    return Overloaded(retry_after=1)
