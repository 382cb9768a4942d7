"""Hearing from PostgreSQL that there is something to do (NOTIFY), on a connection apart from the pool."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from infrastructure.postgres.database import DatabaseOptions

log = logging.getLogger("crm_auth.notifications")

_RECONNECT_AFTER = 1.0
"""Seconds."""


class PostgresNotifications:
    """Sets ``heard`` with every notification on the channel; whoever waits for it clears it.

    A notification is a hint: none comes while the connection is away, and none through a transaction pooler, which
    keeps no session to listen in. So it is set after every reconnection, and nobody may rely on it alone.
    """

    def __init__(self, options: DatabaseOptions, channel: str) -> None:
        self._options = options
        self._channel = channel
        self.heard = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["PostgresNotifications"]:
        """Listen for as long as the context lasts."""
        if self._options.pgbouncer:
            yield self
            return
        listening = asyncio.create_task(self._listen())
        try:
            yield self
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                log.info("not listening: %s", type(error).__name__)
            await asyncio.sleep(_RECONNECT_AFTER)

    async def _listen_once(self) -> None:
        connection = await asyncpg.connect(
            self._options.url, timeout=self._options.answer_timeout, server_settings={"application_name": "crm-auth"}
        )
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        try:
            await connection.add_listener(self._channel, lambda *_: self.heard.set())
            self.heard.set()
            await gone.wait()
        finally:
            connection.terminate()
