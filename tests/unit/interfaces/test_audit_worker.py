"""The worker of the audit log: what is slow or fails holds up nothing else."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from application.audit.drop_expired_entries import DropExpiredEntries
from application.audit.publish_heads import PublishHeads
from application.audit.seal_events import SealEvents
from interfaces.worker import audit
from interfaces.worker.audit import AuditWorker


@dataclass
class Task:
    """Counts its calls; ``does`` happens in each."""

    does: Callable[[], object] = field(default=lambda: None)
    calls: int = 0
    again: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls > 2:
            self.again.set()
        if isinstance(awaited := self.does(), asyncio.Future):
            await awaited
        return 1


def worker_of(*, seal: Task, publish: Task, drop: Task) -> AuditWorker:
    return AuditWorker(cast("SealEvents", seal), cast("PublishHeads", publish), cast("DropExpiredEntries", drop))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_EVERY", "REST", "WAIT_AFTER_FAILURE"):
        monkeypatch.setattr(audit, name, timedelta())


async def test_g04_heads_that_cannot_be_written_keep_no_event_from_being_sealed() -> None:
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    seal, publish, drop = Task(), Task(lambda: never), Task()
    running = asyncio.create_task(worker_of(seal=seal, publish=publish, drop=drop).run())
    async with asyncio.timeout(10):
        await seal.again.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert (publish.calls, drop.calls >= 1) == (1, True)


async def test_g04_what_fails_is_tried_again_and_stops_nothing_else() -> None:
    def failing() -> None:
        raise OSError(5, "no such place")

    seal, publish, drop = Task(failing), Task(failing), Task(failing)
    running = asyncio.create_task(worker_of(seal=seal, publish=publish, drop=drop).run())
    async with asyncio.timeout(10):
        await asyncio.gather(seal.again.wait(), publish.again.wait())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert drop.calls == 1, "the next time is in ten minutes"
