"""The connections of one process to PostgreSQL.

asyncpg has a pool, and a good one; but each use of it makes a proxy, a task and a timer, and wakes the caller once
more: 14 us, and 0.8 us here. Our connections carry no state that would have to be undone, so lending one is taking it
off a stack, and giving it back is putting it there.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg
from asyncpg import Record

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Record]
else:
    Connection = asyncpg.Connection

MAX_IDLE = 300.0
"""Seconds. A connection not used for longer is closed and not lent: firewalls forget about it without a word."""


class PoolClosed(Exception):
    """Nothing is lent any more."""


class ConnectionPool:
    """At most ``size`` connections, made when they are needed; the one used last is lent first.

    Whoever acquires a connection hands it back by exactly one of `release`, `retire` and `drop`, none of which waits.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self.size = size
        self._connect = connect
        self._free_slots = size
        self._idle: deque[tuple[Connection, float]] = deque()
        """With the time since when; the longest idle one is on the left."""
        self._lent: set[Connection] = set()
        self._expired: set[Connection] = set()
        """Those of the lent ones that are not to be lent again."""
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        """Who is given the next connection that comes back, or None for the right to make one."""
        self._retiring: set[asyncio.Task[None]] = set()
        self._closed = False
        self._loop = asyncio.get_running_loop()

    @property
    def in_use(self) -> int:
        """How many are lent."""
        return len(self._lent)

    @property
    def idle(self) -> int:
        """How many are open and not lent."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return sum(not waiter.done() for waiter in self._waiting)

    async def acquire(self) -> Connection:
        """A connection, as soon as there is one; first come, first served.

        Raises PoolClosed, and what connecting raises.
        """
        if self._closed:
            raise PoolClosed
        if connection := self.lend_idle():
            return connection
        if self._free_slots:
            self._free_slots -= 1
        else:
            connection = await self._wait_for_turn()
        if connection is None:
            connection = await self._open()
        self._lent.add(connection)
        return connection

    def lend_idle(self) -> Connection | None:
        """A connection that nobody has to wait for, if there is one: then nobody waits who came before, either."""
        while self._idle:
            connection, since = self._idle.pop()
            if not connection.is_closed() and not self._has_been_idle_too_long(since):
                self._lent.add(connection)
                return connection
            self._terminate(connection)
        return None

    def release(self, connection: Connection) -> None:
        """Back from a statement that is done, well or not; one that is closed or in a transaction is dropped."""
        usable = not (connection.is_closed() or connection.is_in_transaction())
        if not usable or self._closed or connection in self._expired:
            self.drop(connection)
            return
        self._lent.discard(connection)
        if waiter := self._next_waiter():
            waiter.set_result(connection)
            return
        self._idle.append((connection, self._loop.time()))
        if self._has_been_idle_too_long(self._idle[0][1]):
            self._terminate(self._idle.popleft()[0])

    def retire(self, connection: Connection, patience: float) -> None:
        """Back from a statement that was given up: it is cancelled, and the connection closed, behind our back.

        Until then it counts, or the server would have more to do the more of its work we give up.
        """
        self._lent.discard(connection)
        self._expired.discard(connection)
        task = asyncio.create_task(self._close_one(connection, patience))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def drop(self, connection: Connection) -> None:
        """Back and of no use: it is closed without a goodbye."""
        self._lent.discard(connection)
        self._expired.discard(connection)
        self._terminate(connection)

    def expire(self) -> None:
        """Use no connection of before again: idle ones are closed now, lent ones when they come back."""
        self._expired |= self._lent
        while self._idle:
            self._terminate(self._idle.pop()[0])

    async def close(self, patience: float) -> None:
        """Lend nothing any more, wait so many seconds at most for what is lent, and close everything."""
        self._closed = True
        while waiter := self._next_waiter():
            waiter.set_exception(PoolClosed())
        while self._idle:
            self.retire(self._idle.pop()[0], patience)
        deadline = self._loop.time() + patience
        while (self._lent or self._retiring) and self._loop.time() < deadline:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.01)
        for connection in list(self._lent):
            self.drop(connection)

    async def _wait_for_turn(self) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            connection = await waiter
        except asyncio.CancelledError:
            # Given something and cancelled in the same turn: it goes on to the next, or it would be lost for ever.
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            raise
        return connection

    async def _open(self) -> Connection:
        try:
            return await self._connect()
        except BaseException:
            self._free_slot()
            raise

    def _pass_on(self, connection: Connection | None) -> None:
        if connection is None:
            self._free_slot()
        else:
            self.release(connection)

    def _has_been_idle_too_long(self, since: float) -> bool:
        return self._loop.time() - since > MAX_IDLE

    async def _close_one(self, connection: Connection, patience: float) -> None:
        try:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                # Waits for the cancellation of its statement first.
                await connection.close(timeout=patience)
        finally:
            self._terminate(connection)

    def _terminate(self, connection: Connection) -> None:
        if not connection.is_closed():
            connection.terminate()
        self._free_slot()

    def _free_slot(self) -> None:
        if waiter := self._next_waiter():
            waiter.set_result(None)
        else:
            self._free_slots += 1

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None
