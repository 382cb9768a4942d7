"""The background worker: in the server's process by default, or alone (``crm-auth worker``)."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress

from application.mail.ports import Mailer
from bootstrap.container import Container, make_container
from bootstrap.lifespan import StartRefused, running
from bootstrap.mail import tell_where_mail_goes
from bootstrap.settings import Settings
from bootstrap.stuffing import WATCH_EVERY, repeated
from bootstrap.watch import on_watch
from infrastructure.mail.smtp import SmtpMailer

log = logging.getLogger("crm_auth.background")


@asynccontextmanager
async def working(container: Container) -> AsyncIterator[None]:
    """Deliver what is in the outbox and seal the audit log for as long as the context lasts. Raises StartRefused."""
    mailer = _mailer(container)
    watches = container.settings().stuffing != "off"
    watching = repeated(container.background.watch_sign_ins(), WATCH_EVERY) if watches else nullcontext()
    async with watching, container.adapters.deliveries_noted().listening() as notifications:
        workers = [
            asyncio.create_task(container.background.worker().run(notifications.heard)),
            asyncio.create_task(container.background.audit_worker().run()),
        ]
        try:
            yield
        finally:
            for worker in workers:
                worker.cancel()
            for worker in workers:
                with suppress(asyncio.CancelledError):
                    await worker
            if isinstance(mailer, SmtpMailer):
                await mailer.close()


def _mailer(container: Container) -> Mailer:
    """Made before it is needed, like the texts of mails, so that a mistake in either is seen at the start."""
    try:
        container.adapters.mail_writer()
    except ValueError as error:
        raise StartRefused(str(error)) from None
    tell_where_mail_goes(container.settings())
    return container.adapters.mailer()  # type: ignore[no-any-return]  # providers of other modules are untyped


async def work_alone(settings: Settings) -> None:
    """Deliver until told to stop by SIGTERM or SIGINT, also while it starts. Raises StartRefused."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    telling, work = asyncio.create_task(told.wait()), asyncio.create_task(_work(settings))
    await asyncio.wait({telling, work}, return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    log.info("worker stopped")


async def _work(settings: Settings) -> None:
    """For ever."""
    async with (
        running(make_container(settings)) as container,
        on_watch(container, who_asks=None, works=True),
        working(container),
    ):
        told = ", ".join(each.name for each in container.background.subscribers())
        log.info("worker started, for %s", told)
        await asyncio.Event().wait()
