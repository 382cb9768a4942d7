"""Serving: the embedded database if it is ours, the schema, and uvicorn with one or several worker processes."""

import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from socket import socket
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from bootstrap import logs
from bootstrap.settings import Settings
from bootstrap.state import with_secret_key
from infrastructure.postgres import schema_version
from infrastructure.postgres.embedded import EmbeddedPostgres

log = logging.getLogger("crm_auth.server")

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
"""As uvicorn calls it; spelt out because the framework is not imported here."""

_GRACEFUL_SECONDS = 10
_COLLECTOR_THRESHOLDS = (20_000, 20, 50)
"""A request leaves hardly any cycles, so looking for them after every 700 objects, as is the default, finds nothing."""
_EMBEDDED_CONNECTIONS = 48
"""Of the 60 that it takes; the rest is for commands and probes."""


@dataclass(frozen=True, slots=True)
class WorkerApp:
    """Makes the application inside a worker process; can be sent to one."""

    settings: Settings
    server_processes: int

    def __call__(self) -> ASGIApp:
        """Called by uvicorn, in each worker process."""
        from bootstrap.asgi import create_app  # noqa: PLC0415 - the supervising process never needs the application
        from bootstrap.container import make_container  # noqa: PLC0415

        logs.configure(self.settings)
        _stop_with_parent()
        container = make_container(self.settings, server_processes=self.server_processes)
        app = create_app(self.settings, container)
        # What is loaded by now stays: the collector need not walk a thousand modules again under load.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECTOR_THRESHOLDS)
        return _telling_refusals(app)


def _telling_refusals(app: ASGIApp) -> ASGIApp:
    """The application, whose refusal to start is said in the sentence made for operators instead of a traceback."""

    async def told(scope: Any, receive: Any, send: Any) -> None:
        async def tell(message: Any) -> None:
            if message["type"] == "lifespan.startup.failed" and (refusal := _refusal_in(sys.exc_info()[1])):
                message["message"] = str(refusal)
            await send(message)

        await app(scope, receive, tell if scope["type"] == "lifespan" else send)

    return told


def _refusal_in(error: BaseException | None) -> BaseException | None:
    from bootstrap.lifespan import StartRefused  # noqa: PLC0415 - as above

    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_refusal_in, error.exceptions)), None)
    return error if isinstance(error, StartRefused) else None


@contextmanager
def database_url(settings: Settings, *, join: bool = False) -> Iterator[str]:
    """The URL of a database that runs, for as long as the context lasts.

    A database of one's own is taken as it is; the embedded one is started, or with ``join`` shared with a server that
    runs on the same data folder. Raises EmbeddedPostgresError.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    os.umask(0o077)
    embedded = EmbeddedPostgres(settings.data_dir, binaries=settings.postgres_bin)
    connection = embedded.connect_or_start() if join else embedded.start()
    try:
        yield connection.dsn
    finally:
        embedded.stop()


@contextmanager
def with_database(settings: Settings, *, join: bool = False) -> Iterator[Settings]:
    """The settings with all the service needs: a running database and a secret key; an embedded one is migrated.

    Raises EmbeddedPostgresError, SchemaError, SettingsError.
    """
    with database_url(settings, join=join) as url:
        if settings.is_embedded:
            if not schema_version.is_newest(url):
                from infrastructure.postgres import schema  # noqa: PLC0415 - a second of imports, needed once

                schema.upgrade(url)
            settings = with_secret_key(settings)
        yield replace(settings, database_url=url)


def serve(settings: Settings, *, host: str, port: int, workers: int) -> int:
    """Serve until told to stop; the exit code. Raises what :func:`with_database` does."""
    logs.configure(settings)
    settings = replace(settings, database_pool_size=_pool_size(settings, workers))
    with _ended_by_signals(), with_database(settings) as resolved:
        _announce(settings, host, port, workers)
        return _run(resolved, host, port, workers)


def _pool_size(settings: Settings, workers: int) -> int:
    """The embedded PostgreSQL has its own bound, which all worker processes share."""
    if not settings.is_embedded:
        return settings.database_pool_size
    return max(1, min(settings.database_pool_size, _EMBEDDED_CONNECTIONS // workers))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Make SIGTERM and SIGINT leave by the way we came, so that the embedded database is stopped and not dropped.

    While uvicorn serves it handles them itself; afterwards it raises the one it got once more, for whoever handled it
    before, and that one by default kills the process on the spot.
    """

    def leave(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    yield


def _announce(settings: Settings, host: str, port: int, workers: int) -> None:
    if settings.is_embedded:
        log.warning(
            "embedded PostgreSQL in %s: for one machine, and with no copy anywhere else."
            " Set CRM_AUTH_DATABASE_URL for a database of your own.",
            settings.data_dir,
        )
    if not settings.rate_limits:
        log.warning("CRM_AUTH_RATE_LIMITS=off: nothing holds off who guesses passwords. For load tests only.")
    page = f", docs page: http://{host}:{port}/docs" if settings.docs else ""
    log.info("crm-auth on http://%s:%d, %d worker process(es)%s", host, port, workers, page)


def _run(settings: Settings, host: str, port: int, workers: int) -> int:
    config = uvicorn.Config(
        WorkerApp(settings, workers),
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        # T6: whom a forwarded address is believed from is decided by CRM_AUTH_TRUSTED_PROXIES alone.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
    )
    try:
        listening = config.bind_socket()
    except SystemExit:
        return 1
    with listening:
        return _run_alone(config, listening) if workers == 1 else _run_workers(config, listening)


def _run_alone(config: uvicorn.Config, listening: socket) -> int:
    server = uvicorn.Server(config)
    try:
        server.run([listening])
    except SystemExit as ended:
        if ended.code != STARTUP_FAILURE:
            raise
    return 0 if server.started else 1


def _run_workers(config: uvicorn.Config, listening: socket) -> int:
    supervisor = Multiprocess(config, sockets=[listening])
    supervisor.run()
    return 1 if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes) else 0


def _stop_with_parent() -> None:
    """A worker whose supervisor was killed would serve on, unsupervised and with the database stopped under it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()
