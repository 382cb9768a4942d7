"""Mail is taken once it is said to be, is refused for good or for now, and nothing in it adds a header."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from application.mail.ports import Mail, Mailer, MailText
from domain.errors import ServiceUnavailable
from infrastructure.identifiers import parse_email_address
from infrastructure.mail.files import FileMailer
from infrastructure.mail.message import Sender
from infrastructure.mail.smtp import SmtpMailer
from infrastructure.mail.smtp_server import SmtpServer
from tests.support.clock import MovableClock
from tests.support.fakes import FakeMailer
from tests.support.smtp import Inbox, smtp_server

SENDER = Sender(address="no-reply@auth.example.test", name="CRM")


@dataclass(frozen=True)
class Way:
    """A mailer, and what has arrived by it."""

    mailer: Mailer
    arrived: Callable[[], list[EmailMessage]]


def mail(to: str = "ada@example.test", subject: str = "Hello", number: int = 1) -> Mail:
    content = MailText(language="de", subject=subject, text="Grüße\n", html="<p>Grüße</p>")
    return Mail(id=f"01a2.{number}.hello", to=parse_email_address(to), content=content)


@pytest.fixture(params=["fake", "files", "smtp"])
async def way(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Way]:
    match request.param:
        case "fake":
            fake = FakeMailer(SENDER)
            yield Way(fake, lambda: fake.messages)
        case "files":
            folder = tmp_path / "mail"
            yield Way(FileMailer(folder, SENDER, MovableClock()), lambda: read(folder))
        case _:
            inbox = Inbox()
            with smtp_server(inbox) as server:
                mailer = smtp_mailer(server.port)
                yield Way(mailer, lambda: inbox.messages)
                await mailer.close()


def read(folder: Path) -> list[EmailMessage]:
    found = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]
    return [each for each in found if isinstance(each, EmailMessage)]


def smtp_mailer(port: int, *, start_tls: bool = False) -> SmtpMailer:
    server = SmtpServer(host="127.0.0.1", port=port, tls=False, start_tls=start_tls)
    return SmtpMailer(server, SENDER, MovableClock())


async def test_a_mail_arrives_whole(way: Way) -> None:
    assert await way.mailer.send(mail()) is None

    (message,) = way.arrived()
    assert (message["to"], message["subject"], message["message-id"]) == (
        "ada@example.test", "Hello", "<01a2.1.hello@auth.example.test>",
    )  # fmt: skip
    assert message["from"] == "CRM <no-reply@auth.example.test>"
    assert (message["auto-submitted"], message["content-language"]) == ("auto-generated", "de")
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content().strip(), html.get_content().strip()) == ("Grüße", "<p>Grüße</p>")


async def test_x03_the_same_mail_again_has_the_same_id(way: Way) -> None:
    for _ in range(2):
        await way.mailer.send(mail())

    assert len({message["message-id"] for message in way.arrived()}) == 1


@pytest.mark.parametrize("address", ["jürgen@bücher.test", "用户@例え.test"])
async def test_addresses_of_other_scripts(way: Way, address: str) -> None:
    assert await way.mailer.send(mail(address)) is None

    assert len(way.arrived()) == 1


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
async def test_s09_no_line_break_gets_into_a_header(way: Way, line_end: str) -> None:
    """S09: else whoever chooses a name in a subject chooses further recipients."""
    with pytest.raises(ValueError, match=r"linefeed|carriage"):
        await way.mailer.send(mail(subject=f"Hello{line_end}Bcc: victim@example.test"))

    assert way.arrived() == []


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server(inbox: Inbox) -> Iterator[int]:
    with smtp_server(inbox) as running:
        yield running.port


async def test_a_refused_recipient_is_refused_for_good(inbox: Inbox, server: int) -> None:
    inbox.answers["nobody@example.test"] = "550 no such mailbox"

    assert await smtp_mailer(server).send(mail("nobody@example.test")) == "550 no such mailbox"


async def test_a_mail_that_is_refused_is_refused_for_good(inbox: Inbox, server: int) -> None:
    inbox.answer = "554 looks like spam"

    assert await smtp_mailer(server).send(mail()) == "554 looks like spam"


@pytest.mark.parametrize("answer", ["451 try later", "421 going away"])
async def test_what_is_put_off_is_to_be_tried_again(inbox: Inbox, server: int, answer: str) -> None:
    inbox.answer = answer

    with pytest.raises(ServiceUnavailable):
        await smtp_mailer(server).send(mail())


async def test_a_recipient_who_is_put_off_is_to_be_tried_again(inbox: Inbox, server: int) -> None:
    inbox.answers["ada@example.test"] = "450 mailbox busy"

    with pytest.raises(ServiceUnavailable):
        await smtp_mailer(server).send(mail())


@pytest.mark.parametrize("answer", ["550 sender not allowed", "530 authentication required"])
async def test_a_server_that_refuses_us_is_to_be_tried_again(inbox: Inbox, server: int, answer: str) -> None:
    """That is no fault of the mail's: all of them would be given up for a mistake in the settings."""
    inbox.sender_answer = answer

    with pytest.raises(ServiceUnavailable, match=answer[:3]):
        await smtp_mailer(server).send(mail())


async def test_a_server_that_greets_with_a_refusal_is_to_be_tried_again() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 no service here\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as refusing:
        with pytest.raises(ServiceUnavailable, match="554"):
            await smtp_mailer(refusing.sockets[0].getsockname()[1]).send(mail())


async def test_a_server_that_knows_ascii_alone(inbox: Inbox) -> None:
    """A domain has a form it knows; a local part has none, and waiting for days changes nothing."""
    with smtp_server(inbox, utf8=False) as running:
        mailer = smtp_mailer(running.port)

        assert await mailer.send(mail("ada@bücher.test")) is None
        assert "SMTPUTF8" in (await mailer.send(mail("jürgen@bücher.test")) or "")
        await mailer.close()

    assert [message["to"] for message in inbox.messages] == ["ada@xn--bcher-kva.test"]


async def test_connections_are_used_again(inbox: Inbox, server: int) -> None:
    mailer = smtp_mailer(server)
    for number in range(5):
        await mailer.send(mail(number=number))
    await mailer.close()

    assert len(inbox.messages) == 5
    assert len(inbox.connections) == 1


async def test_a_server_that_was_restarted_gets_the_next_mail(inbox: Inbox) -> None:
    with smtp_server(inbox) as first:
        mailer = smtp_mailer(first.port)
        await mailer.send(mail())
    with pytest.raises(ServiceUnavailable):
        await mailer.send(mail())
    with smtp_server(inbox, port=first.port):
        assert await mailer.send(mail()) is None
        await mailer.close()

    assert len(inbox.messages) == 2


async def test_a_kept_connection_that_is_given_up_is_closed(inbox: Inbox) -> None:
    with smtp_server(inbox) as running:
        mailer = smtp_mailer(running.port)
        await mailer.send(mail())
        [(kept, _)] = mailer._idle
        kept.noop = asyncio.Event().wait  # type: ignore[method-assign, assignment]

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await mailer.send(mail())

        assert not kept.is_connected


async def test_a_server_without_starttls_gets_nothing_where_it_is_demanded(inbox: Inbox, server: int) -> None:
    """A password or a link sent in clear because somebody on the way took the offer out (RFC 3207 6)."""
    with pytest.raises(ServiceUnavailable):
        await smtp_mailer(server, start_tls=True).send(mail())

    assert inbox.messages == []


async def test_a_folder_that_cannot_be_written_is_to_be_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    folder.write_text("a file in its place")

    with pytest.raises(ServiceUnavailable):
        await FileMailer(folder, SENDER, MovableClock()).send(mail())


async def test_a_mail_in_a_folder_outlasts_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content first, then its name, and the name of a folder that was made for it."""
    done: list[tuple[str, str]] = []
    fsync, rename = os.fsync, Path.rename

    def noted_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        done.append(("synced", "file" if path.name.startswith(".") else path.name))
        fsync(descriptor)

    def noted_rename(path: Path, target: Path) -> Path:
        done.append(("named", target.parent.name))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    mailer = FileMailer(tmp_path / "spool" / "mail", SENDER, MovableClock())
    for _ in range(2):
        assert await mailer.send(mail()) is None

    each = [("synced", "file"), ("named", "mail"), ("synced", "mail")]
    assert done == [("synced", tmp_path.name), ("synced", "spool"), *each, *each]
