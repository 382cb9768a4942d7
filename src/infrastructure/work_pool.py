"""Threads for work that would hold up an event loop: few, and never with more in front of them than they can do."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from time import perf_counter
from typing import TypeVar

from application.ports import ASKER
from domain.errors import Overloaded

T = TypeVar("T")

_NEWS = 0.1
"""The weight of the latest work in how long work takes."""


class WorkPool:
    """A thread pool with a bounded queue, for any number of event loops, one after the other or at once.

    ``workers`` run at once and ``queue_length`` more may wait, none longer than ``max_wait`` seconds (D01). With
    ``foresight``, a share of that, nobody is let in before whom there is work for longer, going by how long work took
    of late: whoever would be refused in the end is refused at once. No thread is started before the first work;
    ``initializer`` is called in each, whose names begin with ``name``.
    """

    def __init__(
        self,
        *,
        workers: int,
        queue_length: int,
        max_wait: float = 1.0,
        foresight: float | None = None,
        name: str,
        initializer: Callable[[], None] | None = None,
    ) -> None:
        if workers < 1 or queue_length < 0 or max_wait <= 0:
            raise ValueError("A pool has at least one worker, a queue of at least 0 and a wait above 0 s.")
        self._limit = workers + queue_length
        self.max_wait = max_wait
        self._closed = False
        self._foresight = foresight
        self._seconds = 0.0
        self._places = 0
        self._unfinished: set[object] = set()
        self._workers, self._name, self._initializer = workers, name, initializer
        self._threads = self._new_threads()

    @property
    def running(self) -> int:
        """How much is being done."""
        return min(len(self._unfinished), self._workers)

    @property
    def waiting(self) -> int:
        """How much waits to be."""
        return len(self._unfinished) - self.running

    @contextmanager
    def opened(self) -> Iterator["WorkPool"]:
        """The pool, closed at the end of the context; it may be opened again."""
        if self._closed:
            self._threads, self._closed = self._new_threads(), False
        try:
            yield self
        finally:
            self.close()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among those that are let in, whatever they do before their work and after it. Raises Overloaded."""
        if self._closed or max(self._places, len(self._unfinished)) >= self._most():
            raise self._overloaded("full")
        self._places += 1
        try:
            yield
        finally:
            self._places -= 1

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread and give its result or raise its exception.

        Raises Overloaded at once when the queue is full, after ``max_wait`` when it was not begun by then, when
        whoever asked left before it was begun, and when the pool is closed. Work whose awaiting task is cancelled
        before it is begun is never done: clients that hang up must not keep those who stay waiting. What has been
        begun is finished, whoever leaves: a guess that was looked at is counted and told like any other (D01).
        """
        has_to_wait = len(self._unfinished) >= self._workers
        job = self._admit(work)
        dropped = ""

        def drop(why: str) -> None:
            nonlocal dropped
            if job.cancel():
                dropped = dropped or why

        patience = asyncio.get_running_loop().call_later(self.max_wait, drop, "late")
        try:
            with _leaving_calls(partial(drop, "gone")) if has_to_wait else nullcontext():
                return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            if dropped or self._closed:
                raise self._overloaded(dropped or "full") from None
            raise
        finally:
            patience.cancel()

    def close(self) -> None:
        """Refuse what waits and what comes, and wait for what is being done."""
        self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _overloaded(self, why: str) -> Overloaded:
        """The refusal, made once for each: `full` at once, `late` after a wait, `gone` when whoever asked had left."""
        return Overloaded(retry_after=1)

    def _new_threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._workers, thread_name_prefix=self._name, initializer=self._initializer)

    def _admit(self, work: Callable[[], T]) -> Future[T]:
        if self._closed or len(self._unfinished) >= self._most():
            raise self._overloaded("full")
        job = self._threads.submit(self._timed, work)
        self._unfinished.add(job)
        job.add_done_callback(self._unfinished.discard)
        return job

    def _most(self) -> int:
        """How many may be let in at once: as many as the queue holds, or as are done in time."""
        if self._foresight is None or not self._seconds:
            return self._limit
        in_time = self.max_wait * self._foresight * self._workers / self._seconds
        return min(self._limit, self._workers + int(in_time))

    def _timed(self, work: Callable[[], T]) -> T:
        began = perf_counter()
        try:
            return work()
        finally:
            took = perf_counter() - began
            self._seconds += (took - self._seconds) * (_NEWS if self._seconds else 1.0)


def _leaving_calls(act: Callable[[], None]) -> AbstractContextManager[None]:
    asker = ASKER.get()
    return asker.leaving_calls(act) if asker else nullcontext()
