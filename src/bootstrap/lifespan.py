"""What is opened before the first request and closed after the last, and what goes on in between."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta

import asyncpg

from bootstrap.container import Container
from domain.credentials.password import Password
from domain.errors import ServiceUnavailable
from infrastructure.passwords.breached.filter_format import FilterRefused
from infrastructure.postgres import (
    counters,
    email_changes,
    idempotency_keys,
    one_time_tokens,
    password_kinds,
    schema_version,
    session_purge,
    sign_ups,
    traces,
)
from infrastructure.postgres.database import DatabaseUnreachable
from infrastructure.tokens.data_keys import DataKeyUnreadable
from infrastructure.tokens.signing_keys import SigningKeyUnreadable

log = logging.getLogger("crm_auth.lifespan")

UPKEEP_INTERVAL = timedelta(seconds=30)
PASSWORDS_INTERVAL = timedelta(minutes=10)
PHOTO_SWEEP_INTERVAL = timedelta(minutes=1)


class StartRefused(RuntimeError):
    """The service cannot start as things are; the message tells the operator why."""


@asynccontextmanager
async def running(container: Container) -> AsyncIterator[Container]:
    """Open everything the use cases need, for as long as the context lasts.

    The service runs in it; so does a script that calls use cases without HTTP. Raises StartRefused.
    """
    adapters = container.adapters
    with (
        adapters.hashing_pool().opened(),
        adapters.photo_renderer().opened(),
        _explained(),
        adapters.breached_passwords().opened(),
    ):
        async with adapters.database().opened():
            await _take_stock(container)
            async with (
                _meanwhile(_each_half_minute(followed_by(container))),
                _meanwhile(_each_half_minute(upkeep_of(container))),
                _meanwhile(_sweep_photos(container)),
                _meanwhile(_keep_looking_at_passwords(container)),
            ):
                yield container


@asynccontextmanager
async def _meanwhile(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except asyncpg.UndefinedTableError:
        raise StartRefused("The database has no schema: run `crm-auth db upgrade` first.") from None
    except asyncpg.InsufficientPrivilegeError:
        raise StartRefused(
            "The database role of the service has not the rights of this version: run `crm-auth db upgrade` with"
            " CRM_AUTH_DATABASE_MIGRATION_URL beside CRM_AUTH_DATABASE_URL."
        ) from None
    except (DatabaseUnreachable, SigningKeyUnreadable, DataKeyUnreadable, FilterRefused) as error:
        raise StartRefused(str(error)) from None


async def _take_stock(container: Container) -> None:
    await _look_at_schema(container)
    await _anchor_clock(container)
    await container.adapters.key_ring().reload()
    await container.adapters.key_ring().reseal()
    await container.adapters.username_key().load()
    await container.adapters.idempotency_key().load()
    await container.adapters.audit_key().load()
    await _look_at_passwords(container)
    # The estimator reads its dictionaries at its first judgement, which would hold up the first sign-up.
    container.adapters.estimator().weakness(Password.given("nobody's password"), own_words=())


async def _look_at_schema(container: Container) -> None:
    """The service never alters its schema (C05). Raises StartRefused where the schema is not there yet."""
    standing = await container.adapters.database().fetch_row(schema_version.STANDING)
    if standing and (refusal := schema_version.encoding_refused(standing["encoding"])):
        raise StartRefused(refusal)
    revision = standing["revision"] if standing else None
    if schema_version.is_behind(revision):
        raise StartRefused(
            f"The database is at revision {revision or 'none'}, and this version needs {schema_version.NEWEST}:"
            " run `crm-auth db upgrade` first."
        )
    if standing and standing["may_alter"]:
        log.warning(
            "the database role of the service owns its tables: `crm-auth db init` with CRM_AUTH_DATABASE_MIGRATION_URL"
            " makes one that does not"
        )


async def _anchor_clock(container: Container) -> None:
    if row := await container.adapters.database().fetch_row("SELECT clock_timestamp() AS now"):
        container.adapters.clock().anchor(row["now"])


async def _look_at_passwords(container: Container) -> None:
    container.adapters.hasher().learn(await password_kinds.count_kinds(container.adapters.database()))


async def _keep_looking_at_passwords(container: Container) -> None:
    while True:
        await asyncio.sleep(PASSWORDS_INTERVAL.total_seconds())
        await _attempted(lambda: _look_at_passwords(container), waits_for="the database")


async def _each_half_minute(tasks: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Each on its own, and never to end: a clock not anchored and a key not dropped are noticed by nobody."""
    while True:
        await asyncio.sleep(UPKEEP_INTERVAL.total_seconds())
        for task in tasks:
            await _attempted(task, waits_for="the database")


def followed_by(container: Container) -> Sequence[Callable[[], Awaitable[object]]]:
    """What every process follows: the database's time, and the signing keys.

    Apart from the upkeep, however long that takes: until then a key that was revoked is taken for good (K08).
    """
    return (
        lambda: _anchor_clock(container),
        lambda: container.adapters.key_ring().reload(),
    )


def upkeep_of(container: Container) -> Sequence[Callable[[], Awaitable[object]]]:
    """The removal of what holds nothing back and opens nothing any more."""
    adapters = container.adapters
    purge_counters = counters.CounterPurge()
    purge_idle = session_purge.IdlePurge()
    return (
        lambda: purge_counters(adapters.database()),
        lambda: one_time_tokens.purge(adapters.database()),
        lambda: email_changes.purge(adapters.database()),
        lambda: traces.remove(adapters.database()),
        lambda: sign_ups.purge(adapters.database()),
        lambda: idempotency_keys.purge(adapters.database()),
        lambda: session_purge.purge(adapters.database(), container.settings().ended_sessions_kept),
        lambda: purge_idle(adapters.database(), container.settings().ended_sessions_kept),
    )


async def _sweep_photos(container: Container) -> None:
    """By itself: a photo store that is slow to fail is not to hold up the upkeep above."""
    sweep = container.use_cases.sweep_photos()
    while True:
        await asyncio.sleep(PHOTO_SWEEP_INTERVAL.total_seconds())
        await _attempted(sweep, waits_for="the photo store or the database")


async def _attempted(task: Callable[[], Awaitable[object]], *, waits_for: str) -> None:
    try:
        await task()
    except ServiceUnavailable:
        log.warning("upkeep waits for %s", waits_for)
    except Exception:
        log.exception("upkeep failed")
