"""A mail server that is slow gets each mail once: what would be late is given up before its content is sent."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from domain.errors import ServiceUnavailable
from infrastructure.mail import smtp
from infrastructure.mail.smtp import SmtpMailer
from interfaces.worker.worker import CONCURRENCY, PATIENCE
from tests.contract.test_mailer import mail, smtp_mailer
from tests.support.smtp import Inbox, smtp_server

MOMENT = 0.05
LONGER_THAN_A_COMMAND = 1.0
"""Seconds."""


@dataclass
class HeldInbox(Inbox):
    """Answers to recipients and to contents when it may, and tells of each content that it has."""

    takes_recipients: threading.Event = field(default_factory=threading.Event)
    answers_contents: threading.Event = field(default_factory=threading.Event)
    contents: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self.takes_recipients.set()

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        await asyncio.to_thread(self.takes_recipients.wait)
        return await super().handle_RCPT(_server, session, envelope, address, _options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        self.contents.release()
        await asyncio.to_thread(self.answers_contents.wait)
        return answer

    async def has_another_content(self) -> None:
        assert await asyncio.to_thread(self.contents.acquire, timeout=10)


@pytest.fixture
def inbox() -> HeldInbox:
    return HeldInbox()


@asynccontextmanager
async def mailer_to(inbox: HeldInbox) -> AsyncIterator[SmtpMailer]:
    with smtp_server(inbox) as server:
        mailer = smtp_mailer(server.port)
        try:
            async with asyncio.timeout(5):
                yield mailer
        finally:
            inbox.takes_recipients.set()
            inbox.answers_contents.set()
            await mailer.close()


def test_whoever_gives_a_delivery_up_is_later_than_the_mailer() -> None:
    """With two seconds for what a subscriber asks of the database."""
    assert smtp.READY_WITHIN < smtp.ANSWERED_WITHIN <= PATIENCE.total_seconds() - 2


async def test_x03_a_slow_server_gets_as_many_mails_as_there_are(
    inbox: HeldInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X03. Those that wait for a connection are put off, not cut off when they have one at last."""
    numbers = range(CONCURRENCY)
    async with mailer_to(inbox) as mailer:
        sending = [asyncio.create_task(mailer.send(mail(number=number))) for number in numbers[: smtp.CONNECTIONS]]
        for _ in sending:
            await inbox.has_another_content()

        monkeypatch.setattr(smtp, "READY_WITHIN", MOMENT)
        late = numbers[smtp.CONNECTIONS :]
        put_off = await asyncio.gather(*(mailer.send(mail(number=number)) for number in late), return_exceptions=True)
        assert {type(each) for each in put_off} == {ServiceUnavailable}
        assert len(inbox.messages) == smtp.CONNECTIONS
        monkeypatch.undo()

        inbox.answers_contents.set()
        assert await asyncio.gather(*sending) == [None] * smtp.CONNECTIONS
        for number in late:
            assert await mailer.send(mail(number=number)) is None

    assert sorted(str(message["message-id"]) for message in inbox.messages) == [
        f"<01a2.{number}.hello@auth.example.test>" for number in numbers
    ]


async def test_a_server_that_is_slow_before_the_content_gets_none(
    inbox: HeldInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "READY_WITHIN", MOMENT)
    inbox.takes_recipients.clear()
    async with mailer_to(inbox) as mailer:
        with pytest.raises(ServiceUnavailable):
            await mailer.send(mail())

    assert inbox.messages == []


async def test_a_content_that_is_under_way_has_longer(inbox: HeldInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there already, and would be there twice."""
    monkeypatch.setattr(smtp, "READY_WITHIN", LONGER_THAN_A_COMMAND)
    async with mailer_to(inbox) as mailer:
        sending = asyncio.create_task(mailer.send(mail()))
        await inbox.has_another_content()
        done, _ = await asyncio.wait([sending], timeout=LONGER_THAN_A_COMMAND)
        assert not done

        inbox.answers_contents.set()
        assert await sending is None

    assert len(inbox.messages) == 1


async def test_a_server_that_never_answers_is_given_up_by_the_mailer(
    inbox: HeldInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "ANSWERED_WITHIN", LONGER_THAN_A_COMMAND)
    async with mailer_to(inbox) as mailer:
        sending = asyncio.create_task(mailer.send(mail()))
        await inbox.has_another_content()

        with pytest.raises(ServiceUnavailable):
            await sending
