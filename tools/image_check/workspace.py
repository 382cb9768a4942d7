"""Where the check works and what it keeps: two folders that are root's alone."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_check.processes import CheckFailed

MEMORY = Path("/dev/shm")  # noqa: S108 -- owned_folder refuses what somebody else made there
MEMORY_BYTES = 4 * 1024**3
NAME = "crm-auth-container"


def cache_folder() -> Path:
    """What outlives a run: CONTAINER_CHECK_CACHE, or a folder under /var/tmp."""
    given = os.environ.get("CONTAINER_CHECK_CACHE")
    return owned_folder(Path(given) if given else Path("/var/tmp", NAME))  # noqa: S108 -- owner checked


def owned_folder(folder: Path) -> Path:
    """The folder, made if need be. Raises CheckFailed when anybody but root could have put something into it.

    Everybody can make folders in /var/tmp and /dev/shm, and what lies in these becomes programs that root runs.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != 0 or status.st_mode & 0o077:
        raise CheckFailed(f"{folder} is not root's alone")
    return folder


@contextmanager
def workspace(cache: Path) -> Iterator[Path]:
    """An empty folder for images and containers, emptied again at the end; one check at a time has it.

    In memory where there is room: a build writes and deletes a hundred thousand files, which took a disk that discards
    blocks at once four times as long.
    """
    folder = owned_folder((MEMORY if _has_room(MEMORY) else cache) / f"{NAME}-work")
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _empty(folder)
        try:
            yield folder
        finally:
            _empty(folder)
    finally:
        os.close(lock)


def _has_room(folder: Path) -> bool:
    """Whether programs may run from the folder and a few images fit, in it and in memory."""
    if not folder.is_dir():
        return False
    status = os.statvfs(folder)
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    barred = status.f_flag & (os.ST_NOEXEC | os.ST_NODEV | os.ST_NOSUID)
    return not barred and min(status.f_bavail * status.f_frsize, available) > MEMORY_BYTES


def _empty(folder: Path) -> None:
    # A mount that outlived a killed run may be this machine's own /dev: never delete through one.
    if any(f" {folder}/" in line for line in Path("/proc/self/mountinfo").read_text().splitlines()):
        raise CheckFailed(f"something is mounted below {folder}: unmount it first")
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
