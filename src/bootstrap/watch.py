"""What a process says of itself while it runs: that it does, what waits, and whether it can tell who is asking."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress

import asyncpg

from bootstrap.container import Container
from domain.errors import ServiceUnavailable
from domain.self_check.sightings import Sightings, Suspicion, suspicions
from infrastructure.metrics import catalogue
from interfaces.http.who_asks import WINDOW, WhoAsks

log = logging.getLogger("crm_auth.self_check")

EVERY = 10.0
"""Seconds."""


@asynccontextmanager
async def on_watch(container: Container, *, who_asks: WhoAsks | None, works: bool) -> AsyncIterator[None]:
    """Say so for as long as the context lasts; a process that answers no requests has no ``who_asks``."""
    self_check = SelfCheck(who_asks)
    processes = container.adapters.processes()

    async def tell() -> None:
        await processes.tell(self_check.sightings, serves=who_asks is not None, works=works)

    async def watch() -> None:
        while True:
            self_check.look()
            await _attempted(container.adapters.outbox_backlog().look)
            await _attempted(container.adapters.audit_backlog().look)
            await _attempted(container.adapters.session_ends().look)
            await _attempted(tell)
            await asyncio.sleep(EVERY)

    with ExitStack() as gauges:
        self_check.read_gauges(gauges)
        task = asyncio.create_task(watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await _attempted(processes.leave)


class SelfCheck:
    """Tells of what looks wrong in who is asking: in the log each time that begins or ends, and as a metric."""

    def __init__(self, who_asks: WhoAsks | None) -> None:
        self._who_asks = who_asks
        self._turned_at = _now()
        self._told: dict[Suspicion, str] = {}
        self.sightings = Sightings()

    def look(self) -> None:
        """As of now."""
        if self._who_asks is None:
            return
        if _now() - self._turned_at >= WINDOW:
            self._who_asks.turn()
            self._turned_at = _now()
        self.sightings = self._who_asks.sightings()
        self._tell(suspicions(self.sightings))

    def read_gauges(self, gauges: ExitStack) -> None:
        """Have the metric read what is suspected."""
        for each in Suspicion:
            gauges.enter_context(catalogue.SUSPICIONS.read_by(self._is_told(each), each.value))

    def _is_told(self, which: Suspicion) -> Callable[[], float]:
        return lambda: float(which in self._told)

    def _tell(self, now: dict[Suspicion, str]) -> None:
        for which in now.keys() - self._told.keys():
            log.warning("%s", now[which])
        for which in self._told.keys() - now.keys():
            log.info("no longer suspected: %s", which.value)
        self._told = now


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _attempted(task: Callable[[], Awaitable[object]]) -> None:
    try:
        await task()
    except (ServiceUnavailable, asyncpg.UndefinedTableError):
        # X11: during a rolling upgrade the schema may be older than this version.
        log.debug("the watch waits for the database")
    except Exception:
        log.exception("the watch failed")
