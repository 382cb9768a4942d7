"""Deliver what is in the outbox, for as long as the process lives."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from application.outbox.deliver_event import DeliverEvent
from application.outbox.ports import Outbox
from domain.errors import ServiceUnavailable

log = logging.getLogger("crm_auth.worker")

CONCURRENCY = 8
PATIENCE = timedelta(seconds=20)
"""For one delivery. Shorter than the lease, or another worker would begin what this one is still at."""
LEASE = timedelta(seconds=25)
"""A dead worker's deliveries are taken over after this."""
LAST_PATIENCE = timedelta(seconds=5)
"""For what is being delivered when the worker is told to stop."""
LOOK_AGAIN_AFTER = timedelta(seconds=5)
"""Without a hint: hints get lost."""
AT_LEAST = timedelta(milliseconds=50)
"""Between two looks that find nothing."""


class Hint(Protocol):
    """Tells that there may be something to do."""

    async def wait(self) -> bool:
        """Returns when there is."""
        ...

    def clear(self) -> None:
        """From now on wait for the next."""
        ...


@dataclass(frozen=True, slots=True)
class Worker:
    """Claims what is due and delivers it, up to eight at once; others may do the same elsewhere."""

    outbox: Outbox
    deliver_event: DeliverEvent
    lease: timedelta = LEASE

    async def run(self, hint: Hint) -> None:
        """Never returns; cancel it. What is being delivered then has five seconds to end.

        What is cut off even so is taken up by whoever comes next, once its lease is over.
        """
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                try:
                    if len(under_way) < CONCURRENCY:
                        under_way |= await self._begun(CONCURRENCY - len(under_way))
                    under_way = await self._some_ended(under_way, hint)
                except ServiceUnavailable:
                    log.warning("the outbox waits for the database")
                    await asyncio.sleep(LOOK_AGAIN_AFTER.total_seconds())
                except Exception:
                    log.exception("a pass over the outbox failed")
                    await asyncio.sleep(LOOK_AGAIN_AFTER.total_seconds())
        finally:
            await _last(under_way)

    async def work_once(self) -> int:
        """Claim what is due and see it through; how many deliveries were attempted, 0 when none is due.

        Raises ServiceUnavailable, also in a group.
        """
        attempts = await self._begun(CONCURRENCY)
        if attempts:
            await asyncio.wait(attempts)
        if failures := [failure for each in attempts if (failure := each.exception())]:
            raise BaseExceptionGroup("what came of a delivery cannot be noted", failures)
        return len(attempts)

    async def _begun(self, at_most: int) -> set[asyncio.Task[None]]:
        """What is due, each in a task: no group, where one whose outcome cannot be noted would cut off the others."""
        claimed = await self.outbox.claim(self._names, at_most=at_most, lease=self.lease)
        return {asyncio.create_task(self.deliver_event(delivery)) for delivery in claimed}

    async def _some_ended(self, under_way: set[asyncio.Task[None]], hint: Hint) -> set[asyncio.Task[None]]:
        """Those that go on, once there is a place for another, and something that may take it.

        A slow recipient has one of eight places, and holds up nobody but their own mail.
        """
        if len(under_way) == CONCURRENCY:
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        else:
            await _rest(hint, await self.outbox.next_due(self._names), under_way)
        for each in (ended := {each for each in under_way if each.done()}):
            if failure := each.exception():
                log.warning("what came of a delivery cannot be noted: %s", type(failure).__name__)
        return under_way - ended

    @property
    def _names(self) -> list[str]:
        return [each.name for each in self.deliver_event.subscribers]


async def _last(under_way: Collection[asyncio.Task[None]]) -> None:
    """A mail that has been sent and not yet marked would be sent again by the next worker."""
    if not under_way:
        return
    _, late = await asyncio.wait(under_way, timeout=LAST_PATIENCE.total_seconds())
    for each in late:
        each.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


async def _rest(hint: Hint, idle_for: timedelta | None, under_way: Collection[asyncio.Task[None]]) -> None:
    """Until there is a hint, something has ended, which another may have waited for, or it is time to look anyhow."""
    until_due = LOOK_AGAIN_AFTER if idle_for is None else idle_for
    longest = max(AT_LEAST, min(until_due, LOOK_AGAIN_AFTER))
    hinted = asyncio.create_task(hint.wait())
    try:
        await asyncio.wait({hinted, *under_way}, timeout=longest.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
    finally:
        hinted.cancel()
    hint.clear()
