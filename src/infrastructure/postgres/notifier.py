"""Telling whoever listens that there is something to do, a moment after it was committed."""

import asyncio
import logging

import asyncpg

from domain.errors import ServiceUnavailable
from infrastructure.postgres.database import Database, StatementFailed

log = logging.getLogger("crm_auth.database")

GATHERED = 0.02
"""Seconds in which one notification is made of however many are asked for."""

_NOTIFY = "SELECT pg_notify($1::text, '')::text"


class Notifier:
    """Notifies the channel soon, and once for all that ask meanwhile.

    Not in the transaction that there is to tell of: one that notifies holds a lock of the whole server until it is on
    disk, and all that do so commit one after the other. Whoever listens looks by themselves too, so that a
    notification that a crash, or the end of a command, comes before costs them seconds and nothing else.
    """

    def __init__(self, database: Database, channel: str) -> None:
        self._database = database
        self._channel = channel
        self._is_asked = False
        self._notifying: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Have it done; returns at once."""
        self._is_asked = True
        if self._notifying is None or self._notifying.done():
            self._notifying = asyncio.create_task(self._notify())

    async def _notify(self) -> None:
        while self._is_asked:
            await asyncio.sleep(GATHERED)
            self._is_asked = False
            await self._try()

    async def _try(self) -> None:
        try:
            await self._database.fetch(_NOTIFY, self._channel)
        except ServiceUnavailable:
            pass  # told by the database
        except (StatementFailed, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
            # Nobody awaits this, and whoever listens looks by themselves.
            log.warning("notification not sent: %s", type(failure).__name__)
