"""Mail into a folder, a file each: for trying things out, and for those who carry it on by other means."""

import asyncio
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex

from application.mail.ports import Mail
from application.ports import Clock
from domain.errors import ServiceUnavailable
from infrastructure.folders import make_folder, sync_folder
from infrastructure.mail.message import Sender, message_of


@dataclass(frozen=True, slots=True)
class FileMailer:
    """Mailer that writes ``.eml`` files, each of them whole or not at all, under names that sort by time.

    One that is said to be taken is there after a power cut, too: nobody else has it.
    """

    folder: Path
    sender: Sender
    clock: Clock

    async def send(self, mail: Mail) -> str | None:
        """See the port. The same mail twice is two files with one Message-ID."""
        now = self.clock.now()
        content = message_of(mail, self.sender, now).as_bytes()
        try:
            await asyncio.to_thread(partial(self._write, f"{now:%Y%m%dT%H%M%S.%f}-{mail.id}.eml", content))
        except OSError as error:
            raise ServiceUnavailable(f"The mail folder cannot be written ({type(error).__name__}).") from error
        return None

    def _write(self, name: str, content: bytes) -> None:
        make_folder(self.folder)
        unfinished = self.folder / f".{token_hex(8)}"
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self.folder / name)
            sync_folder(self.folder)
        finally:
            unfinished.unlink(missing_ok=True)
