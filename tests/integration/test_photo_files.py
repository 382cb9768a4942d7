"""Photos as files, when the disk is full, slow or broken, and when the server dies between two steps (F09, I13)."""

import asyncio
import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from domain.errors import ServiceUnavailable
from domain.photos.photo import PhotoSize
from infrastructure.photos import file_store
from infrastructure.photos.file_store import FilePhotoStore

ID = "an id of 43 characters"
RENDITIONS = {size: bytes([size % 251]) * 100 * size for size in PhotoSize}
SRC = Path(file_store.__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "photos"


@pytest.fixture
def store(folder: Path) -> FilePhotoStore:
    return FilePhotoStore(folder)


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def test_files_are_the_services_alone_and_spread_over_folders(folder: Path, store: FilePhotoStore) -> None:
    old = os.umask(0)
    try:
        await asyncio.gather(*(store.put(f"{ID} {number}", RENDITIONS) for number in range(30)))
    finally:
        os.umask(old)

    assert len(files_in(folder)) == 90
    assert {stat.S_IMODE(path.stat().st_mode) for path in files_in(folder)} == {0o600}
    folders = {path.parent for path in files_in(folder)} | {folder}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert len(folders) > 20


async def test_f10_a_listing_gives_no_address_away(folder: Path, store: FilePhotoStore) -> None:
    """F10: the id is all that it takes to look at a photo."""
    await store.put("k3q9", RENDITIONS)

    assert not any("k3q9" in str(path.relative_to(folder)) for path in files_in(folder))


@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("at", range(8))
@pytest.mark.parametrize("step", ["fsync", "rename", "write"])
async def test_a_disk_that_fails_leaves_nothing_of_the_photo(
    folder: Path, store: FilePhotoStore, monkeypatch: pytest.MonkeyPatch, step: str, at: int, failure: int
) -> None:
    await store.put("another", RENDITIONS)
    calls = 0

    def failing(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal calls
            calls += 1
            if calls == at + 1:
                raise OSError(failure, os.strerror(failure))
            return real(*arguments)

        return call

    owner, name = {
        "fsync": (os, "fsync"),
        "rename": (Path, "rename"),
        "write": (file_store, "_write_synced"),
    }[step]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, failing(getattr(owner, name)))
        with suppress(ServiceUnavailable):
            await store.put(ID, RENDITIONS)
            assert calls <= at, "the failure went unnoticed"
    assert len(files_in(folder)) == (3 if calls > at else 6)

    await store.put(ID, RENDITIONS)
    assert len(files_in(folder)) == 6


async def test_reading_and_deleting_say_that_the_disk_is_away(
    folder: Path, store: FilePhotoStore, caplog: pytest.LogCaptureFixture
) -> None:
    await store.put(ID, RENDITIONS)
    for path in files_in(folder):
        path.unlink()
        path.mkdir()

    with pytest.raises(ServiceUnavailable):
        await store.get(ID, PhotoSize.SMALL)
    with pytest.raises(ServiceUnavailable):
        await store.delete(ID)
    assert "EISDIR" in caplog.text
    assert ID not in caplog.text


async def test_a_folder_that_cannot_be_made_is_a_store_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ServiceUnavailable):
        await FilePhotoStore(tmp_path / "file" / "photos").put(ID, RENDITIONS)


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that syncs when it is let."""
    monkeypatch.setattr(file_store, "_LONGEST", 0.2)
    let, real = threading.Event(), os.fsync

    def fsync(descriptor: int) -> None:
        assert let.wait(10)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    yield let
    let.set()


async def test_a_disk_that_hangs_is_away_and_what_it_writes_later_goes_again(
    folder: Path, store: FilePhotoStore, hung: threading.Event
) -> None:
    with pytest.raises(ServiceUnavailable):
        await store.put(ID, RENDITIONS)

    hung.set()
    store._threads.shutdown(wait=True)
    assert files_in(folder) == []


async def test_the_event_loop_goes_on_while_a_disk_hangs(store: FilePhotoStore, hung: threading.Event) -> None:
    task = asyncio.create_task(store.put(ID, RENDITIONS))

    turns = 0
    while not task.done():
        await asyncio.sleep(0.01)
        turns += 1

    assert turns > 5
    with pytest.raises(ServiceUnavailable):
        await task


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from domain.photos.photo import PhotoSize
from infrastructure.photos import file_store
folder, action, at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
steps = 0
def counted(real):
    def call(*arguments, **named):
        global steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call
os.open, os.fdopen, os.fsync, Path.rename, Path.unlink, Path.mkdir = map(
    counted, (os.open, os.fdopen, os.fsync, Path.rename, Path.unlink, Path.mkdir)
)
store = file_store.FilePhotoStore(folder)
renditions = {size: bytes([size % 251]) * 100 * size for size in PhotoSize}
asyncio.run(store.put("id", renditions) if action == "put" else store.delete("id"))
"""


def killed_at(folder: Path, action: str, step: int) -> bool:
    """Whether the step was reached."""
    command = [sys.executable, "-c", KILLED, str(folder), action, str(step)]
    ended = subprocess.run(command, env={"PYTHONPATH": str(SRC)}, check=False)
    assert ended.returncode in {0, -signal.SIGKILL}
    return ended.returncode != 0


async def test_killed_between_any_two_steps_a_rendition_is_whole_or_not_there(tmp_path: Path) -> None:
    step = 1
    while killed_at(folder := tmp_path / f"put {step}", "put", step):
        store = FilePhotoStore(folder)
        for size, data in RENDITIONS.items():
            assert await store.get("id", size) in {None, data}
        await store.delete("id")
        assert files_in(folder) == [], "what the sweep leaves"
        step += 1
    assert step > 12


async def test_killed_while_deleting_the_next_delete_finishes(tmp_path: Path) -> None:
    step = 1
    while True:
        store = FilePhotoStore(folder := tmp_path / f"delete {step}")
        await store.put("id", RENDITIONS)
        if not killed_at(folder, "delete", step):
            break
        await store.delete("id")
        assert files_in(folder) == []
        step += 1
    assert step > 6


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "photos", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


async def test_x08_a_full_disk_refuses_cleanly_and_recovers_by_itself(small_disk: Path) -> None:
    """I13."""
    store, kept = FilePhotoStore(small_disk), []
    with pytest.raises(ServiceUnavailable):
        for number in range(100):
            await store.put(f"photo {number}", RENDITIONS)
            kept.append(f"photo {number}")

    assert kept
    assert len(files_in(small_disk)) == 3 * len(kept)
    for name in kept:
        assert await store.get(name, PhotoSize.LARGE) == RENDITIONS[PhotoSize.LARGE]
    with pytest.raises(ServiceUnavailable):
        await store.put(ID, RENDITIONS)

    await store.delete(kept.pop())
    await store.put(ID, RENDITIONS)
    assert await store.get(ID, PhotoSize.LARGE) == RENDITIONS[PhotoSize.LARGE]
