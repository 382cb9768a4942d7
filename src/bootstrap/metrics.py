"""What is counted where, for `/metrics`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

from application.sessions.log_in import StepRequired
from bootstrap.container import Container
from bootstrap.settings import Settings
from domain.errors import DomainError
from domain.sessions.session import EndReason
from infrastructure.metrics import catalogue
from infrastructure.metrics.exposition import Source
from infrastructure.metrics.instruments import Counter
from infrastructure.metrics.shared_folder import WRITE_EVERY
from interfaces.http.metrics import MetricsReaders

OUTCOMES: Mapping[str, Counter] = {
    "log_in": catalogue.SIGN_INS,
    "register_user": catalogue.SIGN_UPS,
    "request_sign_up": catalogue.SIGN_UPS,
    "refresh_session": catalogue.REFRESHES,
    "change_password": catalogue.PASSWORD_CHANGES,
}
"""The use cases whose outcomes are counted."""


class Counted:
    """A use case, and what comes of it: the code of its refusal, or ``succeeded``. Everything else is its own."""

    __slots__ = ("_counter", "_use_case")

    def __init__(self, use_case: Callable[..., Awaitable[Any]], counter: Counter) -> None:
        self._use_case = use_case
        self._counter = counter

    async def __call__(self, *given: Any, **named: Any) -> Any:
        """As the use case is called."""
        try:
            outcome = await self._use_case(*given, **named)
        except DomainError as refusal:
            self._counter.add(refusal.code)
            raise
        except Exception:
            self._counter.add("internal_error")
            raise
        self._counter.add("step_required" if isinstance(outcome, StepRequired) else "succeeded")
        return outcome

    def __getattr__(self, name: str) -> Any:
        return getattr(self._use_case, name)


def counted(use_case: Callable[..., Awaitable[Any]], counter: Counter) -> Counted:
    """The use case, whose outcomes are counted there."""
    return Counted(use_case, counter)


def count_request(method: str, path: str, status: int | None, seconds: float) -> None:
    """Told by the edge of the application of each request."""
    catalogue.HTTP_REQUESTS.add(method, path, _STATUS.get(status, "none"))
    catalogue.HTTP_DURATION.observe(seconds, method, path)


_STATUS: Mapping[int | None, str] = {status: str(status) for status in range(200, 600)}


def metrics_readers(settings: Settings) -> MetricsReaders:
    """Who may read them."""
    return MetricsReaders(token=settings.metrics_token, networks=settings.metrics_readers)


@asynccontextmanager
async def watching(container: Container) -> AsyncIterator[None]:
    """Have the gauges read what they are of, for as long as the context lasts."""
    if not container.settings().metrics:
        yield
        return
    with ExitStack() as gauges:
        _read_gauges(container, gauges)
        sharing = asyncio.create_task(_share(container.adapters.metrics().source))
        try:
            yield
        finally:
            sharing.cancel()
            with suppress(asyncio.CancelledError):
                await sharing


def _read_gauges(container: Container, gauges: ExitStack) -> None:
    hashing, database = container.adapters.hashing_pool(), container.adapters.database()
    backlog, audit = container.adapters.outbox_backlog(), container.adapters.audit_backlog()
    ends, writes_heads = container.adapters.session_ends(), bool(container.settings().audit_heads)
    for reason in EndReason:
        gauges.enter_context(catalogue.SESSIONS_ENDED.read_by(partial(ends.count, reason), reason.value))
    for read in (
        catalogue.HASHES.read_by(lambda: hashing.running, "running"),
        catalogue.HASHES.read_by(lambda: hashing.waiting, "waiting"),
        catalogue.DATABASE_CONNECTIONS.read_by(lambda: database.pool.in_use if database.pool else 0, "in_use"),
        catalogue.DATABASE_CONNECTIONS.read_by(lambda: database.pool.idle if database.pool else 0, "idle"),
        catalogue.DATABASE_CONNECTIONS.read_by(lambda: database.pool.size if database.pool else 0, "limit"),
        catalogue.DATABASE_WAITING.read_by(lambda: database.pool.waiting if database.pool else 0),
        catalogue.OUTBOX_DELIVERIES.read_by(lambda: backlog.waiting, "waiting"),
        catalogue.OUTBOX_DELIVERIES.read_by(lambda: backlog.parked, "parked"),
        catalogue.OUTBOX_OLDEST.read_by(lambda: backlog.oldest_seconds),
        catalogue.AUDIT_UNSEALED.read_by(lambda: audit.unsealed),
        catalogue.AUDIT_OLDEST.read_by(lambda: audit.oldest_seconds),
        catalogue.AUDIT_UNWRITTEN.read_by(lambda: audit.unwritten if writes_heads else 0),
    ):
        gauges.enter_context(read)


async def _share(figures: Source) -> None:
    """Never returns."""
    while True:
        figures.write()
        await asyncio.sleep(WRITE_EVERY)
