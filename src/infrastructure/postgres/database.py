"""The connection pool of the service, and what it does when PostgreSQL is late, slow, hung or gone.

Nearly each call is one statement and one round trip in autocommit: the statement is the transaction. Connections carry
no session state, so nothing is reset when one goes back to the pool.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
from asyncpg import Record

from domain.errors import ServiceUnavailable
from infrastructure.postgres.connection_pool import Connection, ConnectionPool, PoolClosed

log = logging.getLogger("crm_auth.database")

T = TypeVar("T")

_Work = Callable[[Connection, float], Awaitable[T]]
"""What is done on a connection, in so many seconds at most. For one statement asyncpg's own timer gives up in the same
way as ``asyncio.timeout``, and costs half as much."""

_GONE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # The server's goodbye has reached a connection that was idle, and asyncpg is not done with it.
    asyncpg.InternalClientError,
)
_BUSY = (
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.ReadOnlySQLTransactionError,
)
_RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_ANSWERS = (
    asyncpg.UniqueViolationError,
    asyncpg.InvalidTextRepresentationError,
    asyncpg.UndefinedTableError,
    asyncpg.InsufficientPrivilegeError,
)
"""What callers of statements know to read."""
_PROBE_INTERVAL = 0.25
_UNAVAILABLE = "The database does not answer at the moment."

_LONGEST_STATEMENT = 64 * 1024
"""Bytes; a statement that is longer would be prepared anew each time, and those of the doors are long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """How to reach PostgreSQL and how long to wait for it; times in seconds.

    Together they answer within three seconds whatever the database does (X05): the server gives up first
    (``lock_timeout`` < ``statement_timeout``), and where it cannot even do that, we do (``answer_timeout``).
    """

    url: str = field(repr=False)
    pool_size: int = 10
    start_timeout: float = 30.0
    lock_timeout: float = 1.5
    statement_timeout: float = 2.0
    answer_timeout: float = 2.4
    pgbouncer: bool = False
    """Behind a transaction pooler: no prepared statements, and no settings at connection start (the role's hold)."""

    @property
    def statement_cache_size(self) -> int:
        """How many statements a connection keeps prepared."""
        return 0 if self.pgbouncer else 200

    @property
    def server_settings(self) -> dict[str, str] | None:
        """What a connection sets when it starts."""
        if self.pgbouncer:
            return None
        return {
            "application_name": "crm-auth",
            "lock_timeout": f"{self.lock_timeout * 1000:.0f}",
            "statement_timeout": f"{self.statement_timeout * 1000:.0f}",
            "idle_in_transaction_session_timeout": "10000",
            "jit": "off",
            # Every statement finds its rows by a unique index, whatever the parameters: one plan serves all.
            "plan_cache_mode": "force_generic_plan",
        }


class DatabaseUnreachable(Exception):
    """No connection could be made at the start; the message tells the operator why."""


class StatementFailed(Exception):
    """A statement of ours that PostgreSQL cannot run: a defect, told by its kind and never by its data."""

    def __init__(self, error: asyncpg.PostgresError) -> None:
        super().__init__(f"{type(error).__name__} {error.sqlstate} {getattr(error, 'constraint_name', None) or ''}")


class Database:
    """Runs statements; every failure that is not the statement's own is ServiceUnavailable.

    Once PostgreSQL does not answer, calls are refused at once while one probe waits for it, so that requests do not
    pile up behind a dead server and the first one after its return finds a pool of fresh connections (X04).
    """

    def __init__(self, options: DatabaseOptions) -> None:
        self._options = options
        self._pool: ConnectionPool | None = None
        self._probe: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Database"]:
        """Open the pool, waiting a bounded time for a database that is late, and close it.

        Raises DatabaseUnreachable.
        """
        self._pool = await self._open()
        try:
            yield self
        finally:
            if self._probe is not None:
                self._probe.cancel()
                self._probe = None
            pool, self._pool = self._pool, None
            await pool.close(self._options.answer_timeout)

    @property
    def pool(self) -> ConnectionPool | None:
        """The connections, while it is open."""
        return self._pool

    async def fetch_row(self, statement: str, *arguments: object) -> Record | None:
        """The statement's first row, if any."""
        return await self._run(lambda connection, left: connection.fetchrow(statement, *arguments, timeout=left))

    async def fetch(self, statement: str, *arguments: object) -> Sequence[Record]:
        """All of the statement's rows."""
        return await self._run(lambda connection, left: connection.fetch(statement, *arguments, timeout=left))

    async def in_transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run several statements as one transaction: two round trips more, for what one statement cannot do.

        Not by asyncpg's own, which ends what was given up with a ROLLBACK that it waits for without limit (X05). Here
        whatever is cancelled or late sends nothing more: the connection is ended, and the transaction with it.
        """

        async def run(connection: Connection, left: float) -> T:
            async with asyncio.timeout(left):
                await connection.execute("BEGIN")
                try:
                    answer = await work(connection)
                    await connection.execute("COMMIT")
                except Exception:
                    if not connection.is_closed() and connection.is_in_transaction():
                        await connection.execute("ROLLBACK")
                    raise
                return answer

        return await self._run(run)

    async def _run(self, work: _Work[T]) -> T:
        try:
            return await self._attempt(work)
        except _RETRIED as conflict:
            # X12: the loser of a conflict has done nothing. Once more; if that loses too, it is a matter of load.
            log.info("statement repeated after %s", type(conflict).__name__)
        try:
            return await self._attempt(work)
        except _RETRIED:
            raise ServiceUnavailable(retry_after=1) from None

    async def _attempt(self, work: _Work[T]) -> T:
        pool = self._pool
        if pool is None or self._probe is not None:
            raise ServiceUnavailable(_UNAVAILABLE, retry_after=1)
        loop = asyncio.get_running_loop()
        lent_at = begun = loop.time()
        connection = pool.lend_idle()
        try:
            if connection is None:
                async with asyncio.timeout(self._options.answer_timeout):
                    connection = await pool.acquire()
                lent_at = loop.time()
            answer = await work(connection, begun + self._options.answer_timeout - lent_at)
        except PoolClosed:
            raise ServiceUnavailable(_UNAVAILABLE, retry_after=1) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            raise self._told(pool, connection, error, held=loop.time() - lent_at) from None
        except BaseException:
            if connection is not None:
                pool.retire(connection, self._options.statement_timeout)
            raise
        pool.release(connection)
        return answer

    def _told(self, pool: ConnectionPool, connection: Connection | None, error: Exception, *, held: float) -> Exception:
        """What a failure is to callers, once the connection has been given back as it was left."""
        if self._is_loss(connection, error, held):
            self._lost(pool, connection, error)
            return ServiceUnavailable(_UNAVAILABLE, retry_after=1)
        if connection is not None:
            if isinstance(error, asyncpg.PostgresError):
                pool.release(connection)
            else:
                pool.retire(connection, self._options.statement_timeout)
        if isinstance(error, (*_BUSY, TimeoutError)):
            # Too much at once, for the server or for our pool (X06).
            log.warning("statement not done: %s", type(error).__name__)
            return ServiceUnavailable(retry_after=1)
        if isinstance(error, asyncpg.PostgresError) and not isinstance(error, (*_RETRIED, *_ANSWERS)):
            # G02: its own message may quote the row, password hash and all, and is therefore not passed on.
            return StatementFailed(error)
        return error

    def _is_loss(self, connection: Connection | None, error: Exception, held: float) -> bool:
        """Whether the database is gone, and not only busy.

        Of time-outs only one after which the server should long have given up by itself: when most of the time went by
        in waiting for a connection, to take that for a loss would shut out everybody else as well.
        """
        if isinstance(error, _BUSY):
            return False
        if isinstance(error, TimeoutError):
            return connection is not None and held >= self._options.statement_timeout
        # Without a connection a new one was wanted and not to be had: also a password that was changed.
        return connection is None or isinstance(error, _GONE) or connection.is_closed()

    def _lost(self, pool: ConnectionPool, connection: Connection | None, error: BaseException) -> None:
        """Drop the connection, trust no idle one either, and refuse at once until a probe gets through."""
        if connection is not None:
            pool.drop(connection)
        if self._probe is None:
            log.error("database lost: %s", type(error).__name__)
            self._probe = asyncio.create_task(self._wait_for_return(pool))

    async def _wait_for_return(self, pool: ConnectionPool) -> None:
        while True:
            try:
                await self._ask_once()
            except Exception as error:  # noqa: BLE001 - a probe that dies would never let anybody in again
                log.info("database still away: %s", type(error).__name__)
                await asyncio.sleep(_PROBE_INTERVAL)
            else:
                pool.expire()
                self._probe = None
                log.info("database is back")
                return

    async def _ask_once(self) -> None:
        async with asyncio.timeout(self._options.answer_timeout):
            connection = await self._connect()
        try:
            await connection.execute("SELECT 1", timeout=self._options.answer_timeout)
        finally:
            connection.terminate()

    async def _connect(self) -> Connection:
        return await asyncpg.connect(
            self._options.url,
            timeout=self._options.answer_timeout,
            statement_cache_size=self._options.statement_cache_size,
            # Prepared once for a connection's life: a new preparation is one more round trip.
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=_LONGEST_STATEMENT,
            server_settings=self._options.server_settings,
        )

    async def _open(self) -> ConnectionPool:
        deadline = asyncio.get_running_loop().time() + self._options.start_timeout
        pool = ConnectionPool(self._connect, self._options.pool_size)
        while True:
            try:
                pool.release(await pool.acquire())
            except (*_GONE, *_BUSY, TimeoutError) as error:
                if asyncio.get_running_loop().time() >= deadline:
                    raise DatabaseUnreachable(
                        f"The database did not answer for {self._options.start_timeout:.0f} s ({_said(error)})."
                    ) from None
                log.warning("waiting for the database: %s", type(error).__name__)
                await asyncio.sleep(_PROBE_INTERVAL)
            except asyncpg.PostgresError as error:
                raise DatabaseUnreachable(f"The database refuses the connection ({_said(error)}).") from None
            else:
                return pool


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")
