"""Connections are lent one at a time, never more than there may be, and none is lost for good."""

import asyncio
from typing import Any, cast

import pytest

from infrastructure.postgres import connection_pool
from infrastructure.postgres.connection_pool import Connection, ConnectionPool, PoolClosed


class Line:
    """A connection, as far as the pool looks at one."""

    def __init__(self) -> None:
        self.closed = False
        self.in_transaction = False
        self.said_goodbye = asyncio.Event()
        """Set by the test when a retired one may end."""

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return self.in_transaction

    def terminate(self) -> None:
        self.closed = True

    async def close(self, *, timeout: float) -> None:  # noqa: ASYNC109 - as asyncpg's
        async with asyncio.timeout(timeout):
            await self.said_goodbye.wait()
        self.closed = True


class Exchange:
    """Makes lines; what it is told to raise it raises once."""

    def __init__(self) -> None:
        self.made: list[Line] = []
        self.fails_with: Exception | None = None

    async def connect(self) -> Connection:
        await asyncio.sleep(0)
        error, self.fails_with = self.fails_with, None
        if error:
            raise error
        self.made.append(Line())
        return cast("Connection", self.made[-1])

    @property
    def open(self) -> int:
        return sum(not line.closed for line in self.made)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
async def pool(exchange: Exchange) -> ConnectionPool:
    return ConnectionPool(exchange.connect, 2)


def line(connection: Connection) -> Line:
    return cast("Line", connection)


async def waiting(pool: ConnectionPool) -> "asyncio.Task[Connection]":
    """A call that waits for its turn by now."""
    task = asyncio.create_task(pool.acquire())
    await settled()
    assert not task.done()
    return task


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_one_used_last_is_lent_first(pool: ConnectionPool, exchange: Exchange) -> None:
    first, second = await pool.acquire(), await pool.acquire()
    assert first is not second
    pool.release(first)
    pool.release(second)
    assert await pool.acquire() is second
    assert await pool.acquire() is first
    assert len(exchange.made) == 2


async def test_whoever_waits_is_served_in_turn(pool: ConnectionPool) -> None:
    held = [await pool.acquire(), await pool.acquire()]
    first, second = await waiting(pool), await waiting(pool)
    pool.release(held[0])
    assert await first is held[0]
    assert not second.done()
    pool.release(held[1])
    assert await second is held[1]


async def test_a_hundred_share_two(pool: ConnectionPool, exchange: Exchange) -> None:
    busy: set[Any] = set()

    async def use() -> None:
        connection = await pool.acquire()
        assert connection not in busy
        busy.add(connection)
        await asyncio.sleep(0)
        busy.remove(connection)
        pool.release(connection)

    await asyncio.gather(*(use() for _ in range(100)))
    assert len(exchange.made) == 2


@pytest.mark.parametrize("fault", ["closed", "in_transaction"])
async def test_a_spoilt_one_is_replaced(pool: ConnectionPool, exchange: Exchange, fault: str) -> None:
    spoilt = await pool.acquire()
    await pool.acquire()
    next_one = await waiting(pool)
    setattr(spoilt, fault, True)
    pool.release(spoilt)
    assert await next_one not in (spoilt, exchange.made[1])
    assert line(spoilt).closed
    assert exchange.open == 2


async def test_one_that_died_while_idle_is_not_lent(pool: ConnectionPool) -> None:
    dead = await pool.acquire()
    pool.release(dead)
    line(dead).closed = True
    assert await pool.acquire() is not dead


async def test_a_failed_attempt_frees_its_place(pool: ConnectionPool, exchange: Exchange) -> None:
    for _ in range(3):
        exchange.fails_with = OSError("no route")
        with pytest.raises(OSError, match="no route"):
            await pool.acquire()
    assert await pool.acquire() is not await pool.acquire()


async def test_whoever_waits_makes_the_connection_that_another_could_not(
    pool: ConnectionPool, exchange: Exchange
) -> None:
    held = await pool.acquire()
    exchange.fails_with = OSError("no route")
    failing, next_one = asyncio.create_task(pool.acquire()), asyncio.create_task(pool.acquire())
    with pytest.raises(OSError, match="no route"):
        await failing
    assert await next_one is not held


@pytest.mark.parametrize("how", ["release", "drop"])
async def test_what_is_given_to_one_who_left_goes_to_the_next(pool: ConnectionPool, how: str) -> None:
    """Cancelled in the very turn in which it was served."""
    held = [await pool.acquire(), await pool.acquire()]
    leaver, next_one = await waiting(pool), await waiting(pool)
    getattr(pool, how)(held[0])
    leaver.cancel()
    async with asyncio.timeout(1):
        pool.release(await next_one)
        pool.release(held[1])
        assert await pool.acquire() is not await pool.acquire()


async def test_who_left_before_its_turn_is_passed_over(pool: ConnectionPool) -> None:
    held = [await pool.acquire(), await pool.acquire()]
    leaver, next_one = await waiting(pool), await waiting(pool)
    leaver.cancel()
    pool.release(held[0])
    assert await next_one is held[0]


async def test_a_retired_one_counts_until_it_is_gone(pool: ConnectionPool, exchange: Exchange) -> None:
    given_up = await pool.acquire()
    await pool.acquire()
    pool.retire(given_up, 5)
    next_one = await waiting(pool)
    assert exchange.open == 2
    line(given_up).said_goodbye.set()
    assert await next_one is not given_up
    assert exchange.open == 2


async def test_a_retired_one_that_does_not_go_is_terminated(pool: ConnectionPool) -> None:
    given_up = await pool.acquire()
    pool.retire(given_up, 0)
    await settled()
    assert line(given_up).closed
    assert await pool.acquire() is not await pool.acquire()


async def test_none_of_before_is_lent_after_expiring(pool: ConnectionPool, exchange: Exchange) -> None:
    lent, idle = await pool.acquire(), await pool.acquire()
    pool.release(idle)
    pool.expire()
    assert (line(idle).closed, line(lent).closed) == (True, False)
    pool.release(lent)
    assert line(lent).closed
    fresh = await pool.acquire()
    assert fresh not in (lent, idle)
    pool.release(fresh)
    assert await pool.acquire() is fresh


async def test_what_was_idle_for_long_is_closed(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch, exchange: Exchange
) -> None:
    pool.release(await pool.acquire())
    monkeypatch.setattr(connection_pool, "MAX_IDLE", -1.0)
    fresh = await pool.acquire()
    assert (exchange.made[0].closed, line(fresh).closed) == (True, False)
    pool.release(fresh)
    assert exchange.open == 0


async def test_closing_waits_for_what_is_lent(pool: ConnectionPool, exchange: Exchange) -> None:
    lent, idle = await pool.acquire(), await pool.acquire()
    waiter = await waiting(pool)
    line(idle).said_goodbye.set()
    pool.release(idle)
    pool.release(await waiter)
    closing = asyncio.create_task(pool.close(5))
    await settled()
    assert not closing.done()
    with pytest.raises(PoolClosed):
        await pool.acquire()
    pool.release(lent)
    await closing
    assert exchange.open == 0


async def test_closing_sends_away_who_waits_and_does_not_wait_for_ever(
    pool: ConnectionPool, exchange: Exchange
) -> None:
    await pool.acquire()
    await pool.acquire()
    waiter = await waiting(pool)
    await pool.close(0)
    with pytest.raises(PoolClosed):
        await waiter
    assert exchange.open == 0
