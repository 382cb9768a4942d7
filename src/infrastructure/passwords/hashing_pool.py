"""Threads for password hashing: few, polite, and never with more in front of them than they can do in time (D01)."""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import TypeVar

from domain.errors import Overloaded
from infrastructure.metrics.catalogue import HASH_WAIT, HASHES_REFUSED
from infrastructure.work_pool import WorkPool

T = TypeVar("T")

QUEUE_PER_WORKER = 16
_FORESIGHT = 0.75
"""Not all, because those who answer take their time from those who hash, and more of it in a storm."""
_NICEST = 19


class HashingPool(WorkPool):
    """A pool whose threads give way to those that answer.

    ``workers`` bound the memory of hashing (D03): the C library keeps one hash's memory for each thread and no more,
    measured; having it given back after each hash cost half as much time again in page faults. 16 more for each may
    wait by default.
    """

    def __init__(self, *, workers: int, queue_length: int | None = None, max_wait: float = 1.0) -> None:
        if queue_length is None:
            queue_length = QUEUE_PER_WORKER * workers
        super().__init__(
            workers=workers,
            queue_length=queue_length,
            max_wait=max_wait,
            foresight=_FORESIGHT,
            name="hashing",
            initializer=_give_way,
        )

    async def run(self, work: Callable[[], T]) -> T:
        """As any pool does, and counted."""
        asked = perf_counter()
        begun = 0.0

        def timed() -> T:
            nonlocal begun
            begun = perf_counter()
            return work()

        try:
            return await super().run(timed)
        finally:
            if begun:
                HASH_WAIT.observe(begun - asked)

    def _overloaded(self, why: str) -> Overloaded:
        """Counted, also of those who are refused a place."""
        HASHES_REFUSED.add(why)
        return super()._overloaded(why)


def _give_way() -> None:
    """Lower the calling thread's own priority, so that hashing takes the time that answering leaves over (D02).

    Linux alone has priorities of threads; elsewhere the number would be taken for that of a process.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICEST)
