"""The worker's loop: hints, ends, and what a failure of one delivery is to the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

import pytest

from application.origin import NOWHERE
from application.outbox.deliver_event import DeliverEvent
from application.outbox.ports import Delivery
from domain.errors import ServiceUnavailable
from domain.events import DomainEvent, RecordedEvent
from interfaces.worker import worker as module
from interfaces.worker.worker import Worker
from tests.support.builders import new_id
from tests.support.memory import MemoryWorld


@dataclass
class Listener:
    """Notes what it is told, and then waits until it may end."""

    name: ClassVar[str] = "mail"
    topics: ClassVar[frozenset[str]] = frozenset({"password.changed"})
    told: list[RecordedEvent] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    done: int = 0

    async def __call__(self, event: RecordedEvent) -> str | None:
        self.told.append(event)
        self.began.set()
        await self.may_end.wait()
        self.done += 1
        return None


@dataclass
class Scene:
    world: MemoryWorld
    listener: Listener
    worker: Worker
    hint: asyncio.Event = field(default_factory=asyncio.Event)

    async def happen(self) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.record(DomainEvent(type="password.changed", user_id=new_id()))
        await work.commit()
        self.hint.set()

    async def waiting(self) -> int:
        return len(await self.world.outbox_desk.page(parked=False, after=0, at_most=99))

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["asyncio.Task[None]"]:
        task = asyncio.create_task(self.worker.run(self.hint))
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def scene() -> Scene:
    world, listener = MemoryWorld(), Listener()
    deliver = DeliverEvent(
        outbox=world.outbox, subscribers=[listener], clock=world.store.clock, patience=nullcontext, jitter=lambda: 1.0
    )
    return Scene(world, listener, Worker(world.outbox, deliver, lease=timedelta(seconds=1)))


async def soon(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await look():  # noqa: ASYNC110 - the worker tells nobody
            await asyncio.sleep(0.005)


async def test_what_happens_while_it_rests_is_delivered_by_the_hint(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_AFTER", timedelta(hours=1))
    scene.listener.may_end.set()
    async with scene.at_work():
        await asyncio.sleep(0.1)
        await scene.happen()
        async with asyncio.timeout(20):
            await scene.listener.began.wait()


async def test_what_is_being_delivered_when_it_is_told_to_stop_is_finished(scene: Scene) -> None:
    await scene.happen()
    async with scene.at_work() as task:
        await scene.listener.began.wait()
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        scene.listener.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert (scene.listener.done, await scene.waiting()) == (1, 0)


async def test_it_does_not_wait_for_ever_for_what_hangs(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_PATIENCE", timedelta(milliseconds=10))
    await scene.happen()
    async with scene.at_work() as task:
        await scene.listener.began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)

    assert (scene.listener.done, await scene.waiting()) == (0, 1), "the next worker takes it up"


async def test_an_outcome_that_cannot_be_noted_cuts_off_no_other_delivery(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = scene.world.outbox.delivered
    failures = [ServiceUnavailable()]

    async def delivered(_: object, delivery: Delivery) -> None:
        if failures:
            raise failures.pop()
        await noted(delivery)

    monkeypatch.setattr(type(scene.world.outbox), "delivered", delivered)
    await scene.happen()
    await scene.happen()
    scene.listener.may_end.set()

    with pytest.raises(BaseExceptionGroup):
        await scene.worker.work_once()

    assert (scene.listener.done, await scene.waiting()) == (2, 1)


async def test_a_database_that_comes_back_finds_it_at_work(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_AFTER", timedelta(milliseconds=10))
    await scene.happen()
    scene.listener.may_end.set()
    scene.world.store.is_away = True
    async with scene.at_work():
        await asyncio.sleep(0.05)
        assert scene.listener.told == []
        scene.world.store.is_away = False
        await soon(lambda: _is_empty(scene))


async def _is_empty(scene: Scene) -> bool:
    return await scene.waiting() == 0


async def test_one_that_is_slow_holds_up_nobody_else(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven places go on while it has the eighth."""
    monkeypatch.setattr(module, "LOOK_AGAIN_AFTER", timedelta(hours=1))
    slow: list[RecordedEvent] = []

    async def told(listener: Listener, event: RecordedEvent) -> None:
        slow.append(event)
        if len(slow) == 1:
            await listener.may_end.wait()
        listener.done += 1

    monkeypatch.setattr(Listener, "__call__", told)
    for _ in range(3 * module.CONCURRENCY):
        await scene.happen()

    async with scene.at_work():
        await soon(lambda: _has_done(scene, 3 * module.CONCURRENCY - 1))
        assert await scene.waiting() == 1
        await scene.happen()
        await soon(lambda: _has_done(scene, 3 * module.CONCURRENCY))
        scene.listener.may_end.set()
        await soon(lambda: _is_empty(scene))


async def test_no_more_than_eight_are_delivered_at_once(scene: Scene) -> None:
    for _ in range(3 * module.CONCURRENCY):
        await scene.happen()

    async with scene.at_work():
        await soon(lambda: _has_begun(scene, module.CONCURRENCY))
        await asyncio.sleep(0.05)
        assert len(scene.listener.told) == module.CONCURRENCY
        scene.listener.may_end.set()
        await soon(lambda: _is_empty(scene))


async def test_an_outcome_that_cannot_be_noted_is_delivered_again_by_a_worker_that_goes_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_AFTER", timedelta(milliseconds=10))
    noted = scene.world.outbox.delivered
    failures = [ServiceUnavailable()]

    async def delivered(_: object, delivery: Delivery) -> None:
        if failures:
            raise failures.pop()
        await noted(delivery)

    monkeypatch.setattr(type(scene.world.outbox), "delivered", delivered)
    scene.listener.may_end.set()
    await scene.happen()
    async with scene.at_work():
        await soon(lambda: _has_done(scene, 1))
        scene.world.store.clock.advance(timedelta(seconds=2))
        await soon(lambda: _is_empty(scene))

    assert scene.listener.done == 2


async def _has_done(scene: Scene, number: int) -> bool:
    return scene.listener.done == number


async def _has_begun(scene: Scene, number: int) -> bool:
    return len(scene.listener.told) >= number
