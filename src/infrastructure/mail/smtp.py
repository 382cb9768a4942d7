"""Mail by SMTP (RFC 5321), to the server that carries it on."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage

import aiosmtplib

from application.mail.ports import Mail
from application.ports import Clock
from domain.errors import ServiceUnavailable
from infrastructure.mail.message import Sender, deliverable, message_of
from infrastructure.mail.smtp_server import SmtpServer

log = logging.getLogger("crm_auth.mail")

CONNECTIONS = 2
"""At once: a relay counts them, and one carries a thousand mails a minute."""
TIMEOUT = 8.0
"""Seconds for each command, so that a connection made anew still answers within a delivery's patience."""
IDLE_SECONDS = 30.0
"""After which a kept connection is not trusted any more; servers close theirs after minutes."""
_PERMANENT = range(500, 600)


class SmtpMailer:
    """Mailer over kept connections; any number of event loops, one after the other."""

    def __init__(self, server: SmtpServer, sender: Sender, clock: Clock) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._idle: list[tuple[aiosmtplib.SMTP, float]] = []
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def send(self, mail: Mail) -> str | None:
        """See the port. 5xx for this recipient or this mail is for good; everything else is worth another try.

        So is 5xx for the connection or the sender: those concern every mail, and an operator can do something about it.
        """
        message = message_of(mail, self._sender, self._clock.now())
        async with self._places:
            try:
                await self._send_on_some_connection(message, deliverable(mail.to))
            except aiosmtplib.SMTPRecipientsRefused as refused:
                return _told(refused.recipients[0])
            except aiosmtplib.SMTPDataError as refused:
                return _told(refused)
            except _AddressNotTaken:
                return "the mail server takes no addresses outside ASCII (SMTPUTF8)"
            except (aiosmtplib.SMTPException, OSError, TimeoutError, ssl.SSLError) as failure:
                said = f"{type(failure).__name__} {getattr(failure, 'code', '')}".rstrip()
                log.warning("the mail server is away: %s", said)
                raise ServiceUnavailable(f"The mail server takes no mail ({said}).") from failure
        return None

    async def greet(self) -> None:
        """Connect, sign in and take leave. Raises SMTPException, OSError, TimeoutError."""
        await _leave(await self._connect())

    async def close(self) -> None:
        """Take leave of the server."""
        while self._idle:
            await _leave(self._idle.pop()[0])

    async def _send_on_some_connection(self, message: EmailMessage, to: str) -> None:
        async with self._connection() as connection:
            try:
                await connection.send_message(message, recipients=[to])
            except aiosmtplib.SMTPNotSupported:
                # Connecting raises it as well, for want of STARTTLS; here it is that of SMTPUTF8.
                raise _AddressNotTaken from None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A kept connection, or a new one; kept again unless something went wrong on it."""
        connection = await self._kept() or await self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append((connection, asyncio.get_running_loop().time()))

    async def _kept(self) -> aiosmtplib.SMTP | None:
        while self._idle:
            connection, since = self._idle.pop()
            is_fresh = asyncio.get_running_loop().time() - since < IDLE_SECONDS
            # The server may have gone in the meantime; a mail must not be what finds that out.
            if is_fresh and connection.is_connected and await _answers(connection):
                return connection
            connection.close()
        return None

    async def _connect(self) -> aiosmtplib.SMTP:
        server = self._server
        connection = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=server.start_tls,
            timeout=TIMEOUT,
            username=server.username,
            password=server.password,
        )
        try:
            await connection.connect()
        except aiosmtplib.SMTPAuthenticationError:
            log.error(  # noqa: TRY400 - a traceback tells an operator no more
                "the mail server refuses the user name or the password of CRM_AUTH_MAIL_URL"
            )
            connection.close()
            raise aiosmtplib.SMTPConnectError("authentication refused") from None
        except BaseException:
            connection.close()
            raise
        return connection


class _AddressNotTaken(Exception):
    """This server will never take a mail to that recipient."""


async def _answers(connection: aiosmtplib.SMTP) -> bool:
    try:
        await connection.noop()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        return False
    except BaseException:
        # Given up, and in nobody's hands from now on: it would stay open for as long as the server likes.
        connection.close()
        raise
    return True


async def _leave(connection: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        await connection.quit()


def _told(refused: aiosmtplib.SMTPResponseException) -> str:
    """Why it is refused for good. Raises ServiceUnavailable when it may be taken later (RFC 5321 4.2.1)."""
    if refused.code not in _PERMANENT:
        raise ServiceUnavailable(f"The mail server said {refused.code}.") from refused
    return f"{refused.code} {refused.message}"
