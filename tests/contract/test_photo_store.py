"""What every PhotoStore does: the fake, files, and S3 over HTTP alike."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from application.photos.ports import PhotoStore
from domain.photos.photo import PhotoSize
from infrastructure.photos.store_url import photo_store
from tests.support.memory_photos import MemoryPhotoStore
from tests.support.s3 import BUCKET, ENVIRONMENT, running_s3

ID = "p6Y0kq1xWZ7cR3vN8mB5tL2sD9fG4hJ0aQ_eU-iO1yE"
RENDITIONS = {size: b"RIFF\0\0\0\0WEBP" + bytes([size % 251]) * size for size in PhotoSize}
OTHERS = {size: data[::-1] for size, data in RENDITIONS.items()}
NAMES_OF_PATHS = ["../../etc/passwd", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "%2e%2e%2f"]
HOSTILE_IDS = [*NAMES_OF_PATHS, "a\0b", "é" * 300, "\udcff"]


@contextmanager
def _memory(_: Path) -> Iterator[PhotoStore]:
    yield MemoryPhotoStore()


@contextmanager
def _files(folder: Path) -> Iterator[PhotoStore]:
    yield photo_store((folder / "of the" / "photos").as_uri())


@contextmanager
def _s3(_: Path) -> Iterator[PhotoStore]:
    with running_s3() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": url}).items():
            patch.setenv(name, value)
        yield photo_store(f"s3://{BUCKET}/some/prefix")


@pytest.fixture(scope="module", params=[_memory, _files, _s3], ids=["fake", "files", "s3"])
def any_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhotoStore]:
    make: Callable[[Path], Iterator[PhotoStore]] = request.param
    with make(tmp_path_factory.mktemp("photos")) as store:  # type: ignore[attr-defined]
        yield store


@pytest.fixture
async def store(any_store: PhotoStore) -> PhotoStore:
    await any_store.delete(ID)
    return any_store


async def all_of(store: PhotoStore, photo_id: str) -> dict[PhotoSize, bytes | None]:
    return {size: await store.get(photo_id, size) for size in PhotoSize}


NOTHING = dict.fromkeys(PhotoSize)


async def test_what_was_put_is_got_in_each_size(store: PhotoStore) -> None:
    await store.put(ID, RENDITIONS)

    assert await all_of(store, ID) == RENDITIONS


async def test_what_was_never_put_is_not_there(store: PhotoStore) -> None:
    assert await all_of(store, ID) == NOTHING


async def test_what_was_deleted_is_gone_and_may_be_deleted_again(store: PhotoStore) -> None:
    await store.put(ID, RENDITIONS)

    await store.delete(ID)
    await store.delete(ID)

    assert await all_of(store, ID) == NOTHING


async def test_what_was_never_put_may_be_deleted(store: PhotoStore) -> None:
    await store.delete("never put")


async def test_a_photo_of_another_id_is_another_photo(store: PhotoStore) -> None:
    await store.put(ID, RENDITIONS)
    await store.put(ID.lower(), OTHERS)

    await store.delete(ID)

    assert await all_of(store, ID) == NOTHING
    assert await all_of(store, ID.lower()) == OTHERS


async def test_putting_again_as_after_a_lost_answer_leaves_the_last_one(store: PhotoStore) -> None:
    await store.put(ID, RENDITIONS)
    await store.put(ID, OTHERS)

    assert await all_of(store, ID) == OTHERS


@pytest.mark.parametrize("photo_id", HOSTILE_IDS)
async def test_f07_an_id_is_never_a_path(store: PhotoStore, photo_id: str) -> None:
    assert await all_of(store, photo_id) == NOTHING
    await store.put(photo_id, RENDITIONS)
    assert await all_of(store, photo_id) == RENDITIONS
    await store.delete(photo_id)
    assert await all_of(store, photo_id) == NOTHING


async def test_many_at_once_do_not_meet(store: PhotoStore) -> None:
    ids = [f"photo {number}" for number in range(20)]
    contents = {name: {size: name.encode() * size for size in PhotoSize} for name in ids}

    await asyncio.gather(*(store.put(name, contents[name]) for name in ids))

    assert [await all_of(store, name) for name in ids] == [contents[name] for name in ids]
    await asyncio.gather(*(store.delete(name) for name in ids))


def test_one_store_serves_one_event_loop_after_the_other(any_store: PhotoStore) -> None:
    asyncio.run(any_store.put(ID, RENDITIONS))

    assert asyncio.run(any_store.get(ID, PhotoSize.SMALL)) == RENDITIONS[PhotoSize.SMALL]
