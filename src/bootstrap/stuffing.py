"""Watching sign-ins, and slowing down who tries lists of stolen passwords."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import asyncpg

from application.sessions.ports import LogInAttempts
from bootstrap.settings import Settings
from domain.errors import ServiceUnavailable
from domain.limits import Rule
from domain.stuffing.recognition import Recognition, StuffingKind
from infrastructure.metrics import catalogue
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.slowdowns import Slowdowns, SlowedLogInAttempts

log = logging.getLogger("crm_auth.stuffing")

WATCH_EVERY = 5.0
"""Seconds."""
FOLLOW_EVERY = 2.0
_WINDOW = timedelta(minutes=10)


def recognition_of(settings: Settings) -> Recognition:
    """How much it takes."""
    return Recognition(
        accounts_of_one_source=settings.stuffing_accounts_per_source,
        failures_of_many_sources=settings.stuffing_failures,
        many_sources=settings.stuffing_sources,
    )


def slowed_attempts(
    settings: Settings, limits: RateLimits, slowdowns: Slowdowns, door: Callable[[RateLimits], LogInAttempts]
) -> LogInAttempts:
    """The door of sign-in, which is narrower for whom an episode is about. ``door`` makes one by its limits."""
    usual = door(limits)
    if settings.stuffing != "on":
        return usual
    return SlowedLogInAttempts(
        limits=limits, slowdowns=slowdowns, usual=usual,
        by_kind={kind: door(slower) for kind, slower in _slower_limits(settings, limits).items()},
    )  # fmt: skip


def _slower_limits(settings: Settings, limits: RateLimits) -> Mapping[StuffingKind, RateLimits]:
    source = Rule("sign_in.source", settings.stuffing_guesses_per_source, _WINDOW)
    return {
        StuffingKind.ONE_SOURCE: replace(limits, sign_in_source=source),
        # Nothing tells who of many is one of them, so there is little for all together but for those who are known.
        StuffingKind.MANY_SOURCES: replace(
            limits,
            sign_in_source=source,
            sign_in_all=Rule("sign_in.slowed", settings.stuffing_guesses_in_all, _WINDOW),
            budget_shares=1,
            budget_refuses=True,
        ),
    }


@asynccontextmanager
async def repeated(task: Callable[[], Awaitable[object]], every: float) -> AsyncIterator[None]:
    """Do it over and over, for as long as the context lasts."""

    async def repeat() -> None:
        while True:
            try:
                await task()
            except (ServiceUnavailable, asyncpg.UndefinedTableError):
                # X11: during a rolling upgrade the schema may be older than this version.
                log.debug("watching sign-ins waits for the database")
            except Exception:
                log.exception("watching sign-ins failed")
            await asyncio.sleep(every)

    repeating = asyncio.create_task(repeat())
    try:
        yield
    finally:
        repeating.cancel()
        with suppress(asyncio.CancelledError):
            await repeating


@asynccontextmanager
async def slowing(settings: Settings, slowdowns: Slowdowns) -> AsyncIterator[None]:
    """Follow which episodes are open, for as long as the context lasts."""
    if settings.stuffing == "off":
        yield
        return
    with ExitStack() as gauges:
        for kind in StuffingKind:
            gauges.enter_context(catalogue.STUFFING_EPISODES.read_by(_count(slowdowns, kind), kind.value))
        async with repeated(slowdowns.look, FOLLOW_EVERY):
            yield


def _count(slowdowns: Slowdowns, kind: StuffingKind) -> Callable[[], float]:
    return lambda: slowdowns.count(kind)
