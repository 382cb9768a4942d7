"""Seal what happened, write heads off the host, and drop what is expired, for as long as the process lives."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from application.audit.drop_expired_entries import DropExpiredEntries
from application.audit.publish_heads import PublishHeads
from application.audit.seal_events import BATCH, FEW, SealEvents
from domain.audit.errors import AuditLogAltered
from domain.errors import ServiceUnavailable

log = logging.getLogger("crm_auth.audit")

LOOK_EVERY = timedelta(seconds=1)
REST = timedelta(seconds=3)
"""After a batch that was not full: with the look above, what happens has its place within 5 seconds, and a busy hour
makes 1,200 heads and not one for every event."""
DROP_EVERY = timedelta(minutes=10)
WAIT_AFTER_FAILURE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class AuditWorker:
    """Any number may run: at any moment one of them seals."""

    seal_events: SealEvents
    publish_heads: PublishHeads
    drop_expired: DropExpiredEntries

    async def run(self) -> None:
        """Never returns; cancel it. What was not committed is done by whoever comes next.

        Storage for heads that is slow or away does not keep events from being sealed.
        """
        async with asyncio.TaskGroup() as both:
            both.create_task(self._keep_log())
            both.create_task(self._write_heads())

    async def _write_heads(self) -> None:
        while True:
            written = await _attempted(self.publish_heads, "writing heads")
            await asyncio.sleep((WAIT_AFTER_FAILURE if written is None else LOOK_EVERY).total_seconds())

    async def _keep_log(self) -> None:
        drop_at = time.monotonic()
        while True:
            sealed = await _attempted(self.seal_events, "sealing")
            if time.monotonic() >= drop_at:
                dropped = await _attempted(self.drop_expired, "dropping what is expired")
                drop_at = time.monotonic() + (0.0 if dropped else DROP_EVERY.total_seconds())
            await asyncio.sleep(_pause(sealed).total_seconds())


def _pause(sealed: int | None) -> timedelta:
    if sealed is None:
        return WAIT_AFTER_FAILURE
    if sealed in {BATCH, FEW}:
        return timedelta()
    return REST if sealed else LOOK_EVERY


async def _attempted(work: Callable[[], Awaitable[int]], what: str) -> int | None:
    """What it gives; ``None`` when it failed, which the log tells and nothing else suffers from."""
    try:
        return await work()
    except ServiceUnavailable:
        log.warning("%s waits for the database", what)
    except AuditLogAltered as altered:
        log.critical(
            "the audit log was altered, and is not gone on with: %s; run `crm-auth audit verify`", altered.detail
        )
    except OSError as error:
        log.warning("%s failed: %s", what, error.strerror or type(error).__name__)
    except Exception:
        log.exception("%s failed", what)
    return None
