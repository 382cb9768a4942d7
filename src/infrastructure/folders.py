"""Folders whose entries outlast a power cut: a file is on disk only once the folder that names it is."""

import os
from contextlib import suppress
from pathlib import Path


def make_folder(folder: Path) -> None:
    """For the service alone, with those above it that are missing, each synced into the one that it is in."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):  # another process was faster
        folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """What was made, renamed or deleted in it is so for good when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
