"""Mail by SMTP (RFC 5321), to the server that carries it on."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from typing import Literal

import aiosmtplib
from aiosmtplib.typing import Default

from application.mail.ports import Mail
from application.ports import Clock
from domain.errors import ServiceUnavailable
from infrastructure.mail.message import Sender, deliverable, message_of
from infrastructure.mail.smtp_server import SmtpServer

log = logging.getLogger("crm_auth.mail")

CONNECTIONS = 2
"""At once: a relay counts them, and one carries a thousand mails a minute."""
TIMEOUT = 8.0
"""Seconds for each command before the content of a mail."""
READY_WITHIN = 9.0
"""Seconds for all that comes before the content, the wait for one of those connections included. Whatever is given up
by then has not been sent; later than that nobody knows."""
ANSWERED_WITHIN = 18.0
"""Seconds from the same moment on for the answer to the content. A delivery is given up a little later (``PATIENCE`` in
interfaces.worker), so what the server takes within this is never sent again."""
IDLE_SECONDS = 30.0
"""After which a kept connection is not trusted any more; servers close theirs after minutes."""
_PERMANENT = range(500, 600)


class SmtpMailer:
    """Mailer over kept connections; any number of event loops, one after the other."""

    def __init__(self, server: SmtpServer, sender: Sender, clock: Clock) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._idle: list[tuple[_Connection, float]] = []
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def send(self, mail: Mail) -> str | None:
        """See the port. 5xx for this recipient or this mail is for good; everything else is worth another try.

        So is 5xx for the connection or the sender: those concern every mail, and an operator can do something about it.
        """
        message = message_of(mail, self._sender, self._clock.now())
        try:
            await self._send_in_time(message, deliverable(mail.to))
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return _told(refused.recipients[0])
        except aiosmtplib.SMTPDataError as refused:
            return _told(refused)
        except _AddressNotTaken:
            return "the mail server takes no addresses outside ASCII (SMTPUTF8)"
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ssl.SSLError) as failure:
            said = f"{type(failure).__name__} {getattr(failure, 'code', '')}".rstrip()
            log.warning("the mail server is away or slow: %s", said)
            raise ServiceUnavailable(f"The mail server takes no mail ({said}).") from failure
        return None

    async def greet(self) -> None:
        """Connect, sign in and take leave. Raises SMTPException, OSError, TimeoutError."""
        await _leave(await self._connect())

    async def close(self) -> None:
        """Take leave of the server."""
        while self._idle:
            await _leave(self._idle.pop()[0])

    async def _send_in_time(self, message: EmailMessage, to: str) -> None:
        """On some connection. What is late is given up before its content is sent, and not while that is taken."""
        answered_by = asyncio.get_running_loop().time() + ANSWERED_WITHIN
        async with asyncio.timeout(READY_WITHIN) as bound, self._places, self._connection() as connection:

            def before_content() -> None:
                # A cancellation that comes with an answer is lost in asyncio.wait_for of Python 3.11.
                if bound.expired():
                    raise TimeoutError
                bound.reschedule(answered_by)

            connection.before_content = before_content
            try:
                await connection.send_message(message, recipients=[to])
            except aiosmtplib.SMTPNotSupported:
                # Connecting raises it as well, for want of STARTTLS; here it is that of SMTPUTF8.
                raise _AddressNotTaken from None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator["_Connection"]:
        """A kept connection, or a new one; kept again unless something went wrong on it."""
        connection = await self._kept() or await self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append((connection, asyncio.get_running_loop().time()))

    async def _kept(self) -> "_Connection | None":
        while self._idle:
            connection, since = self._idle.pop()
            is_fresh = asyncio.get_running_loop().time() - since < IDLE_SECONDS
            # The server may have gone in the meantime; a mail must not be what finds that out.
            if is_fresh and connection.is_connected and await _answers(connection):
                return connection
            connection.close()
        return None

    async def _connect(self) -> "_Connection":
        server = self._server
        connection = _Connection(
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


class _Connection(aiosmtplib.SMTP):
    """Tells when the content of a mail is next."""

    before_content: Callable[[], None] = staticmethod(lambda: None)

    async def data(
        self,
        message: str | bytes,
        /,
        *,
        timeout: float | Literal[Default.token] | None = Default.token,  # noqa: ASYNC109 - the library's
    ) -> aiosmtplib.SMTPResponse:
        """As the library does it; for the answer there is all the time that whoever sends has left."""
        self.before_content()
        return await super().data(message, timeout=None)


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
