"""The mail of a service that writes it to a folder, one file a message."""

import asyncio
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path


async def mails(mailbox: Path, to: str, number: int = 1) -> list[EmailMessage]:
    """As soon as there are so many."""
    async with asyncio.timeout(30):
        while True:
            found = messages(mailbox, to)
            if len(found) >= number:
                return found
            await asyncio.sleep(0.02)


def messages(mailbox: Path, to: str | None = None) -> list[EmailMessage]:
    """What was mailed there, or to anybody."""
    read = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(mailbox.glob("*.eml"))]
    return [each for each in read if isinstance(each, EmailMessage) and to in {None, each["to"]}]


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def token_in(message: EmailMessage) -> str:
    return next(word for word in text_of(message).split("token=")[1].split())


async def token_for(mailbox: Path, to: str, prefix: str) -> str:
    """The newest token of that kind which was mailed there, once there is one."""
    async with asyncio.timeout(30):
        while True:
            tokens = [token_in(each) for each in messages(mailbox, to) if "token=" in text_of(each)]
            if found := [token for token in tokens if token.startswith(prefix)]:
                return found[-1]
            await asyncio.sleep(0.02)
