"""Heads in a file that is only ever appended to, on storage that the database's host cannot alter."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from domain.audit.head import SignedHead

FILE_NAME = "heads.jsonl"
LONGEST = 3.0
"""Seconds that the storage may take. One that hangs, as a network file system does, keeps no other work waiting."""


@dataclass(frozen=True, slots=True)
class FileHeadPublisher:
    """One line of JSON for each. On the disk, and not only on its way there, before it counts as written."""

    folder: Path
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="audit-heads"), repr=False
    )

    async def publish(self, heads: Sequence[SignedHead]) -> None:
        """See the port."""
        lines = "".join(f"{head.line}\n" for head in heads).encode()
        async with asyncio.timeout(LONGEST):
            await asyncio.get_running_loop().run_in_executor(self._thread, self._append, lines)

    def _append(self, lines: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not _ends_a_line(self.folder / FILE_NAME):
            lines = b"\n" + lines
        file = os.open(self.folder / FILE_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            while lines:
                lines = lines[os.write(file, lines) :]
            os.fsync(file)
        finally:
            os.close(file)


def _ends_a_line(path: Path) -> bool:
    """Whether the next line may follow: a write that was cut short must not spoil what comes behind it."""
    try:
        with path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
    except FileNotFoundError:
        return True
    except PermissionError:
        # It may only be written to. An empty line does no harm.
        return False
