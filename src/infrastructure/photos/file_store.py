"""Photos as files beneath one folder: the default, for one machine or a network file system that keeps its promises."""

import asyncio
import errno
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TypeVar

from application.photos.ports import Renditions
from domain.errors import ServiceUnavailable
from domain.photos.photo import PhotoSize
from infrastructure.folders import make_folder, sync_folder
from infrastructure.photos.storage_name import storage_names

T = TypeVar("T")

_LOG = logging.getLogger("crm_auth.photos")
_THREADS = 4
_LONGEST = 3.0
"""Seconds that a disk may take, the queue for it included; a network file system that hangs costs photos only."""
_UNFINISHED = ".part"
"""Ending of a file that is being written. Its name is otherwise final, so that deleting a photo finds what a crash
left of it."""


class FilePhotoStore:
    """One file for each rendition, readable by the service alone. The folder is made with the first photo."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="photo-files")

    async def put(self, photo_id: str, renditions: Renditions) -> None:
        """All files written and synced under names that nobody reads, then renamed, then the folder synced (F09)."""
        paths = self._paths(photo_id)
        contents = {paths[size]: data for size, data in renditions.items()}
        abandoned = Event()
        try:
            await self._run(lambda: _write(contents, abandoned))
        except BaseException:
            abandoned.set()
            raise

    async def get(self, photo_id: str, size: PhotoSize) -> bytes | None:
        """None when there is no such file."""
        return await self._run(lambda: _read(self._paths(photo_id)[size]))

    async def delete(self, photo_id: str) -> None:
        """What a crash left unfinished goes as well; gone for good when it returns."""
        await self._run(lambda: _delete(list(self._paths(photo_id).values())))

    def _paths(self, photo_id: str) -> dict[PhotoSize, Path]:
        return {size: self._folder / name for size, name in storage_names(photo_id).items()}

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(_LONGEST):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except OSError as error:  # TimeoutError is one
            name = errno.errorcode.get(error.errno or 0, type(error).__name__)
            _LOG.error("photos cannot be kept in %s: %s", self._folder, name)
            raise ServiceUnavailable("Photos cannot be reached at the moment.", retry_after=5) from None


def _write(contents: dict[Path, bytes], abandoned: Event) -> None:
    """All or, as far as the disk still allows, none.

    None as well when nobody waits any more: the caller may have deleted the photo by then, and would not again.
    """
    (shard,) = {path.parent for path in contents}
    make_folder(shard)
    try:
        for path, data in contents.items():
            _write_synced(_unfinished(path), data)
        for path in contents:
            _unfinished(path).rename(path)
        sync_folder(shard)
    except BaseException:
        with suppress(OSError):
            _delete(list(contents))
        raise
    if abandoned.is_set():
        _delete(list(contents))


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _delete(paths: list[Path]) -> None:
    for path in paths:
        _unfinished(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    with suppress(FileNotFoundError):  # no photo has been kept there yet
        sync_folder(paths[0].parent)


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + _UNFINISHED)
