"""Serving: the embedded database if it is ours, the schema, and uvicorn with one or several worker processes.

And working: the background worker alone.
"""

import asyncio
import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from bootstrap import logs
from bootstrap.breached_passwords import tell_filter
from bootstrap.connections import Connections, allow_files_for
from bootstrap.database_access import DatabaseAccess
from bootstrap.settings import Settings
from bootstrap.state import with_secret_key
from infrastructure.postgres import schema_version
from infrastructure.postgres.embedded import EmbeddedPostgres, service_connection

log = logging.getLogger("crm_auth.server")

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
"""As uvicorn calls it; spelt out because the framework is not imported here."""

_GRACEFUL_SECONDS = 10
_COLLECTOR_THRESHOLDS = (20_000, 20, 50)
"""A request leaves hardly any cycles, so looking for them after every 700 objects, as is the default, finds nothing."""
_EMBEDDED_CONNECTIONS = 48
"""Of all worker processes. A new cluster takes 100, and an older one 60; the rest is for commands and probes."""


@dataclass(frozen=True, slots=True)
class WorkerApp:
    """Makes the application inside a worker process; can be sent to one."""

    settings: Settings
    server_processes: int
    metrics_folder: str = ""

    def __call__(self) -> ASGIApp:
        """Called by uvicorn, in each worker process."""
        from bootstrap.asgi import create_app  # noqa: PLC0415 - the supervising process never needs the application
        from bootstrap.container import make_container  # noqa: PLC0415

        logs.configure(self.settings)
        _stop_with_parent()
        container = make_container(
            self.settings, server_processes=self.server_processes, metrics_folder=self.metrics_folder
        )
        app = create_app(self.settings, container)
        # What is loaded by now stays: the collector need not walk a thousand modules again under load.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECTOR_THRESHOLDS)
        return _telling_refusals(app)


@dataclass(frozen=True, slots=True)
class WorkerProtocol:
    """Makes the protocol of each connection; can be sent to a worker process, which then counts its own."""

    connections: Connections

    def __call__(self, **given: Any) -> Any:
        """Called by uvicorn, for each connection."""
        from bootstrap.http_protocol import HttpProtocol  # noqa: PLC0415 - as above

        return HttpProtocol(**given, connections=self.connections)


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
def database_access(settings: Settings, *, join: bool = False) -> Iterator[DatabaseAccess]:
    """How to reach a database that runs, for as long as the context lasts.

    A database of one's own is taken as it is; the embedded one is started, or with ``join`` shared with a server that
    runs on the same data folder. Raises EmbeddedPostgresError.
    """
    if not settings.is_embedded:
        yield DatabaseAccess.of(settings)
        return
    os.umask(0o077)
    embedded = EmbeddedPostgres(settings.data_dir, binaries=settings.postgres_bin)
    owner = embedded.connect_or_start() if join else embedded.start()
    try:
        yield DatabaseAccess(service_url=service_connection(settings.data_dir).dsn, owner_url=owner.dsn)
    finally:
        embedded.stop()


@contextmanager
def _joined_database_url(settings: Settings) -> Iterator[str]:
    """As above, but an embedded one is never started: it is waited for as a late database of one's own is."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    os.umask(0o077)
    log.info("waiting for `crm-auth serve`, which runs the embedded PostgreSQL of %s", settings.data_dir)
    embedded = EmbeddedPostgres(settings.data_dir, binaries=settings.postgres_bin)
    patience = settings.database_start_timeout.total_seconds()
    deadline = time.monotonic() + patience
    embedded.join(within=patience)
    url = service_connection(settings.data_dir).dsn
    # PostgreSQL answers before the server has brought the schema up.
    while not schema_version.will_do(url) and time.monotonic() < deadline:
        time.sleep(0.2)
    yield url


@contextmanager
def with_database(settings: Settings, *, join: bool = False) -> Iterator[Settings]:
    """The settings with all the service needs: a running database and a secret key; an embedded one is migrated.

    Raises EmbeddedPostgresError, SchemaError, SettingsError.
    """
    with database_access(settings, join=join) as access:
        if settings.is_embedded:
            if not schema_version.will_do(access.owner_url, service_role=access.service_role):
                from infrastructure.postgres import schema  # noqa: PLC0415 - a second of imports, needed once

                schema.upgrade(access.owner_url, service_role=access.service_role)
            settings = with_secret_key(settings)
        # The owner's way in ends here: no process that serves knows it.
        yield replace(settings, database_url=access.service_url, database_migration_url=None, database_admin_url=None)


def serve(settings: Settings, *, host: str, port: int, workers: int) -> int:
    """Serve until told to stop; the exit code. Raises FilterRefused, and what :func:`with_database` does."""
    logs.configure(settings)
    tell_filter(settings.breached_passwords)
    settings = replace(settings, database_pool_size=pool_size(settings, workers))
    with _ended_by_signals(), with_database(settings) as resolved:
        _announce(settings, host, port, workers)
        return _run(resolved, host, port, workers)


def work(settings: Settings) -> int:
    """Deliver what is in the outbox until told to stop; the exit code. Raises what :func:`with_database` does.

    Beside a server that runs the embedded database it joins that one, and leaves the schema to it.
    """
    from bootstrap.background import work_alone  # noqa: PLC0415 - a server that starts others never needs it

    logs.configure(settings)
    with _ended_by_signals(), _joined_database_url(settings) as url:
        resolved = with_secret_key(settings) if settings.is_embedded else settings
        asyncio.run(work_alone(replace(resolved, database_url=url)))
    return 0


def pool_size(settings: Settings, workers: int) -> int:
    """The embedded PostgreSQL has its own bound, which all worker processes share.

    Each has one connection beside its pool, on which it is told of deliveries (LISTEN).
    """
    if not settings.is_embedded:
        return settings.database_pool_size
    return max(1, min(settings.database_pool_size, _EMBEDDED_CONNECTIONS // workers - 1))


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
    elif settings.photo_url is None:
        log.warning(
            "photos are kept in %s: for one machine. Set CRM_AUTH_PHOTO_URL where several serve.",
            settings.photo_store_url,
        )
    if not settings.rate_limits:
        log.warning("CRM_AUTH_RATE_LIMITS=off: nothing holds off who guesses passwords. For load tests only.")
    page = f", docs page: http://{host}:{port}/docs" if settings.docs else ""
    log.info("crm-auth on http://%s:%d, %d worker process(es)%s", host, port, workers, page)
    log.info("links in mails and the issuer of tokens are of CRM_AUTH_PUBLIC_URL, %s", settings.public_url)


def _run(settings: Settings, host: str, port: int, workers: int) -> int:
    with _shared_metrics(settings, workers) as folder:
        return _run_app(WorkerApp(settings, workers, folder), host, port, workers)


@contextmanager
def _shared_metrics(settings: Settings, workers: int) -> Iterator[str]:
    """The folder where several processes leave their figures for each other; none is needed by one."""
    if workers == 1 or not settings.metrics:
        yield ""
        return
    try:
        with TemporaryDirectory(prefix="crm-auth-metrics-", ignore_cleanup_errors=True) as folder:
            yield folder
    except FileNotFoundError:
        # No folder for temporary files can be written.
        log.warning("/metrics tells of one worker process at a time: there is no folder that they could share")
        yield ""


def _connections(settings: Settings) -> Connections:
    if not allow_files_for(settings.connections):
        log.warning(
            "The system allows fewer open files than CRM_AUTH_CONNECTIONS=%d needs: raise `ulimit -n`, or set fewer.",
            settings.connections,
        )
    return Connections(settings.connections, settings.request_timeout.total_seconds())


def _run_app(app: WorkerApp, host: str, port: int, workers: int) -> int:
    config = uvicorn.Config(
        app,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=WorkerProtocol(_connections(app.settings)),  # type: ignore[arg-type]  # it need not be a class
        ws="none",
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
