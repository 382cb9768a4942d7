"""The pool's bounds. Work is held by a gate, so that no test depends on how fast a thread is."""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from operator import add

import pytest

from application.ports import ASKER
from domain.errors import Overloaded
from infrastructure import work_pool
from infrastructure.passwords import hashing_pool
from infrastructure.passwords.hashing_pool import HashingPool

DEADLINE = 60
"""Seconds; the pool's threads are those that a busy machine runs last."""


class Gate:
    """Work that says when it has begun and goes on when it is let."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.count = 0
        self._open = threading.Event()

    def work(self) -> threading.Thread:
        self.count += 1
        self.begun.release()
        assert self._open.wait(DEADLINE)
        return threading.current_thread()

    async def wait_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=DEADLINE)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


async def test_work_is_done_in_a_thread_of_the_pool_and_answered() -> None:
    pool = HashingPool(workers=1, max_wait=DEADLINE)
    assert (await pool.run(lambda: threading.current_thread().name)).startswith("hashing")
    pool.close()


async def test_what_the_work_raises_reaches_its_caller_and_the_pool_goes_on() -> None:
    pool = HashingPool(workers=1, max_wait=DEADLINE)

    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)

    assert await pool.run(lambda: 42) == 42
    pool.close()


def test_no_thread_is_started_before_the_first_work() -> None:
    before = threading.active_count()
    pool = HashingPool(workers=4, max_wait=DEADLINE)
    assert threading.active_count() == before
    pool.close()


@pytest.mark.parametrize("bounds", [{"workers": 0}, {"workers": 1, "queue_length": -1}, {"workers": 1, "max_wait": 0}])
def test_senseless_bounds_are_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        HashingPool(**bounds)


async def test_d01_beyond_the_queue_is_overload_at_once(gate: Gate) -> None:
    pool = HashingPool(workers=2, queue_length=3, max_wait=DEADLINE)
    admitted = [asyncio.create_task(pool.run(gate.work)) for _ in range(5)]
    await gate.wait_begun()
    await gate.wait_begun()

    began = time.monotonic()
    with pytest.raises(Overloaded) as refusal:
        await pool.run(gate.work)

    assert refusal.value.retry_after == 1
    assert time.monotonic() - began < DEADLINE / 2
    assert gate.count == 2
    gate.open()
    assert len(await asyncio.gather(*admitted)) == 5
    assert await pool.run(lambda: "room again") == "room again"
    pool.close()


async def test_d01_as_many_as_there_are_workers_run_at_once_and_no_more(gate: Gate) -> None:
    pool = HashingPool(workers=3, max_wait=DEADLINE)
    tasks = [asyncio.create_task(pool.run(gate.work)) for _ in range(9)]
    for _ in range(3):
        await gate.wait_begun()

    assert not await asyncio.to_thread(gate.begun.acquire, timeout=0.1)
    gate.open()
    assert len(set(await asyncio.gather(*tasks))) == 3
    pool.close()


async def test_the_queue_holds_16_a_worker_by_default(gate: Gate) -> None:
    pool = HashingPool(workers=2, max_wait=DEADLINE)
    tasks = [asyncio.create_task(pool.run(gate.work)) for _ in range(2 + 32)]
    await gate.wait_begun()

    with pytest.raises(Overloaded):
        await pool.run(gate.work)

    gate.open()
    await asyncio.gather(*tasks)
    pool.close()


async def test_d01_there_are_as_many_places_as_can_wait_and_work_takes_no_other(gate: Gate) -> None:
    pool = HashingPool(workers=1, queue_length=2, max_wait=DEADLINE)
    with ExitStack() as places:
        for _ in range(3):
            places.enter_context(pool.place())
        with pytest.raises(Overloaded):
            places.enter_context(pool.place())
        # Whoever has a place is not turned away at the queue.
        admitted = [asyncio.create_task(pool.run(gate.work)) for _ in range(3)]
        await gate.wait_begun()
        gate.open()
        await asyncio.gather(*admitted)
    with pool.place():
        pass
    pool.close()


async def test_d01_nobody_is_let_in_who_would_wait_too_long(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused at once and not in the end: by how long work took of late, three quarters of the wait may be taken."""
    clock = count(step=0.25)
    monkeypatch.setattr(work_pool, "perf_counter", lambda: next(clock))
    pool = HashingPool(workers=1, queue_length=100, max_wait=2.0)
    await pool.run(lambda: "took a quarter of a second")
    with ExitStack() as places:
        for _ in range(1 + 6):
            places.enter_context(pool.place())
        with pytest.raises(Overloaded):
            places.enter_context(pool.place())
    pool.max_wait = DEADLINE * 10
    admitted = [asyncio.create_task(pool.run(gate.work)) for _ in range(20)]
    await gate.wait_begun()
    pool.max_wait = 2.0
    with pytest.raises(Overloaded):
        await pool.run(gate.work)
    gate.open()
    await asyncio.gather(*admitted)
    pool.close()


async def test_d01_work_that_takes_longer_than_the_wait_is_still_done_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = count(step=100)
    monkeypatch.setattr(work_pool, "perf_counter", lambda: next(clock))
    pool = HashingPool(workers=1)
    for _ in range(3):
        with pool.place():
            assert await pool.run(lambda: "done") == "done"
    pool.close()


class Asking:
    """An Asker who leaves when told."""

    def __init__(self) -> None:
        self.acts: list[Callable[[], object]] = []

    @contextmanager
    def leaving_calls(self, act: Callable[[], object]) -> Iterator[None]:
        self.acts.append(act)
        try:
            yield
        finally:
            self.acts.remove(act)

    async def leave(self) -> None:
        """Once all that was asked for has come to wait."""
        for _ in range(10):
            await asyncio.sleep(0)
        assert self.acts
        for act in self.acts:
            act()


async def test_d01_work_of_whoever_left_is_dropped_before_it_is_begun(gate: Gate) -> None:
    pool = HashingPool(workers=1, queue_length=2, max_wait=DEADLINE)
    first = asyncio.create_task(pool.run(gate.work))
    await gate.wait_begun()
    done: list[int] = []
    ASKER.set(asking := Asking())
    left = [asyncio.create_task(pool.run(lambda: done.append(1))) for _ in range(2)]
    await asking.leave()
    for task in left:
        with pytest.raises(Overloaded):
            await task
    # Their places are free at once, for those who stayed.
    stayed = [asyncio.create_task(pool.run(lambda: done.append(2))) for _ in range(2)]
    gate.open()
    await asyncio.gather(first, *stayed)
    assert done == [2, 2]
    assert asking.acts == []
    pool.close()


async def test_d01_each_refusal_is_counted_once_and_by_its_reason(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    monkeypatch.setattr(hashing_pool.HASHES_REFUSED, "add", counted.append)
    pool = HashingPool(workers=1, queue_length=1, max_wait=DEADLINE)
    first = asyncio.create_task(pool.run(gate.work))
    await gate.wait_begun()
    ASKER.set(asking := Asking())
    left = asyncio.create_task(pool.run(gate.work))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded), pool.place():
        pass
    with pytest.raises(Overloaded):
        await pool.run(gate.work)
    assert counted == ["full", "full"]
    await asking.leave()
    with pytest.raises(Overloaded):
        await left
    pool.max_wait = 0.01
    with pool.place(), pytest.raises(Overloaded):
        await pool.run(gate.work)
    assert counted == ["full", "full", "gone", "late"]
    gate.open()
    await first
    pool.close()


async def test_d01_what_has_begun_is_finished_whoever_leaves(gate: Gate) -> None:
    """The password was looked at: that guess is to be counted and told."""
    pool = HashingPool(workers=1, queue_length=2, max_wait=DEADLINE)
    first = asyncio.create_task(pool.run(gate.work))
    await gate.wait_begun()
    ASKER.set(asking := Asking())
    second_gate = Gate()
    second = asyncio.create_task(pool.run(second_gate.work))
    await asyncio.sleep(0)
    assert asking.acts, "it waits behind the first"
    gate.open()
    await first
    await second_gate.wait_begun()
    await asking.leave()
    second_gate.open()
    assert isinstance(await second, threading.Thread)
    pool.close()


async def test_d01_what_waits_too_long_is_refused_and_never_done(gate: Gate) -> None:
    pool = HashingPool(workers=1, queue_length=4, max_wait=0.05)
    first = asyncio.create_task(pool.run(gate.work))
    await gate.wait_begun()
    done: list[int] = []

    with pytest.raises(Overloaded):
        await pool.run(lambda: done.append(1))

    # What has begun is finished however long it takes, and what was refused has left the queue.
    assert not first.done()
    gate.open()
    await first
    await pool.run(lambda: None)
    assert done == []
    pool.close()


async def test_d01_what_nobody_awaits_any_more_is_never_done_and_makes_room(gate: Gate) -> None:
    pool = HashingPool(workers=1, queue_length=1, max_wait=DEADLINE)
    first = asyncio.create_task(pool.run(gate.work))
    await gate.wait_begun()
    done: list[str] = []
    gone = asyncio.create_task(pool.run(lambda: done.append("gone")))
    await asyncio.sleep(0)

    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone

    stays = asyncio.create_task(pool.run(lambda: done.append("stays")))
    gate.open()
    await asyncio.gather(first, stays)
    assert done == ["stays"]
    pool.close()


async def test_a_caller_gone_in_the_middle_harms_nobody(gate: Gate) -> None:
    pool = HashingPool(workers=1, max_wait=DEADLINE)
    gone = asyncio.create_task(pool.run(gate.work))
    await gate.wait_begun()

    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone

    gate.open()
    assert await pool.run(lambda: "next") == "next"
    pool.close()


def test_one_pool_serves_one_event_loop_after_the_other() -> None:
    pool = HashingPool(workers=1, max_wait=DEADLINE)

    async def run() -> int:
        return await pool.run(lambda: 1)

    assert asyncio.run(run()) + asyncio.run(run()) == 2
    pool.close()


def test_one_pool_serves_event_loops_at_once() -> None:
    pool = HashingPool(workers=2, queue_length=1000, max_wait=DEADLINE)

    async def run(number: int) -> list[int]:
        answers: list[int] = await asyncio.gather(*(pool.run(partial(add, number, one)) for one in range(100)))
        return answers

    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda number: asyncio.run(run(number)), [0, 1000, 2000]))

    assert answers == [[number + one for one in range(100)] for number in (0, 1000, 2000)]
    pool.close()


def test_an_event_loop_closed_in_the_middle_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    pool = HashingPool(workers=1, max_wait=DEADLINE)
    gate = Gate()

    async def leave() -> None:
        task = asyncio.create_task(pool.run(gate.work))
        await gate.wait_begun()
        del task

    async def come_back() -> str:
        return await pool.run(lambda: "next")

    with caplog.at_level(logging.DEBUG, "concurrent.futures"):
        asyncio.run(leave())
        gate.open()
        assert asyncio.run(come_back()) == "next"

    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    pool.close()


async def test_closing_refuses_what_waits_and_what_comes_and_stops_the_threads(gate: Gate) -> None:
    pool = HashingPool(workers=1, max_wait=DEADLINE)
    first = asyncio.create_task(pool.run(gate.work))
    await gate.wait_begun()
    waiting = asyncio.create_task(pool.run(gate.work))
    await asyncio.sleep(0)

    threading.Timer(0.1, gate.open).start()
    pool.close()

    with pytest.raises(Overloaded):
        await waiting
    with pytest.raises(Overloaded):
        await pool.run(gate.work)
    assert not (await first).is_alive()
    assert gate.count == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
async def test_d02_the_threads_give_way_and_the_event_loop_does_not() -> None:
    pool = HashingPool(workers=1, max_wait=DEADLINE)
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert await pool.run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())) == 19
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
    pool.close()


async def test_where_priorities_may_not_be_set_work_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    pool = HashingPool(workers=1, max_wait=DEADLINE)
    assert await pool.run(lambda: 42) == 42
    pool.close()
