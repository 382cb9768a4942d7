"""A real SMTP server for tests, in a thread of its own, that can be told to misbehave."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class Inbox:
    """What the server has taken, and what it answers: by recipient, and to everybody."""

    messages: list[EmailMessage] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)
    answer: str = "250 OK"
    sender_answer: str = "250 OK"

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.sender_answer.startswith("250"):
            envelope.mail_from = address
        return self.sender_answer

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.connections.add(id(session))
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=default)
            assert isinstance(message, EmailMessage)
            self.messages.append(message)
        return self.answer


@dataclass(frozen=True)
class SmtpServerInThread:
    inbox: Inbox
    port: int


@contextmanager
def smtp_server(
    inbox: Inbox,
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    implicit: bool = False,
    password: str | None = None,
    utf8: bool = True,
) -> Iterator[SmtpServerInThread]:
    """Runs until the context ends. With ``password`` it demands the user ``crm`` and that password.

    ``tls`` is demanded: from the first byte if ``implicit``, else by STARTTLS.
    """

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"crm", (password or "").encode()), handled=False)

    options: dict[str, Any] = {"enable_SMTPUTF8": utf8}
    if tls is not None:
        options |= {"ssl_context": tls} if implicit else {"tls_context": tls, "require_starttls": True}
    if password is not None:
        # The library does not count a connection that was TLS from the first byte as one.
        is_seen_as_tls = tls is not None and not implicit
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": is_seen_as_tls}
    controller = Controller(inbox, hostname="127.0.0.1", port=port or _free_port(), **options)
    controller.start()
    try:
        yield SmtpServerInThread(inbox, controller.port)
    finally:
        controller.stop()


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
