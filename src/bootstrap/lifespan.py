"""What is opened before the first request and closed after the last, and what goes on in between."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta

import asyncpg

from bootstrap.container import Container
from domain.credentials.password import Password
from domain.errors import ServiceUnavailable
from infrastructure.postgres import limits
from infrastructure.postgres.database import DatabaseUnreachable
from infrastructure.tokens.signing_keys import SigningKeyUnreadable

log = logging.getLogger("crm_auth.lifespan")

UPKEEP_INTERVAL = timedelta(seconds=30)


class StartRefused(RuntimeError):
    """The service cannot start as things are; the message tells the operator why."""


@asynccontextmanager
async def running(container: Container) -> AsyncIterator[Container]:
    """Open everything the use cases need, for as long as the context lasts.

    The service runs in it; so does a script that calls use cases without HTTP. Raises StartRefused.
    """
    adapters = container.adapters
    with adapters.hashing_pool().opened(), _explained():
        async with adapters.database().opened():
            await _take_stock(container)
            upkeep = asyncio.create_task(_keep_up(container))
            try:
                yield container
            finally:
                upkeep.cancel()
                with suppress(asyncio.CancelledError):
                    await upkeep


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except asyncpg.UndefinedTableError:
        raise StartRefused("The database has no schema: run `crm-auth db upgrade` first.") from None
    except (DatabaseUnreachable, SigningKeyUnreadable) as error:
        raise StartRefused(str(error)) from None


async def _take_stock(container: Container) -> None:
    await _anchor_clock(container)
    await container.adapters.key_ring().reload()
    await container.adapters.key_ring().reseal()
    # The estimator reads its dictionaries at its first judgement, which would hold up the first sign-up.
    container.adapters.estimator().weakness(Password.given("nobody's password"), own_words=())


async def _anchor_clock(container: Container) -> None:
    if row := await container.adapters.database().fetch_row("SELECT clock_timestamp() AS now"):
        container.adapters.clock().anchor(row["now"])


async def _keep_up(container: Container) -> None:
    """Every half minute: the database's time, the signing keys, and counters that hold nothing back any more.

    Each on its own, and never to end: a clock that is not anchored and a key that is not dropped are noticed by nobody.
    """
    adapters = container.adapters
    tasks: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: _anchor_clock(container),
        lambda: adapters.key_ring().reload(),
        lambda: limits.purge(adapters.database()),
    )
    while True:
        await asyncio.sleep(UPKEEP_INTERVAL.total_seconds())
        for task in tasks:
            try:
                await task()
            except ServiceUnavailable:
                log.warning("upkeep waits for the database")
            except Exception:
                log.exception("upkeep failed")
