"""What every PhotoRenderer does, the fake and the one with Pillow alike."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO

import pytest
from PIL import Image

from application.photos.ports import PhotoRenderer
from domain.errors import InvalidValue
from domain.photos.photo import PHOTO_MAX_BYTES, PhotoSize
from infrastructure.photos.renderer import PillowPhotoRenderer
from tests.support.memory_photos import FakePhotoRenderer
from tests.support.photos import JPEG, PNG, WEBP, encoded, picture

FRAMES = [Image.new("RGB", (8, 8), (120 * number, 0, 0)) for number in range(3)]


def _fake() -> AbstractContextManager[PhotoRenderer]:
    return nullcontext(FakePhotoRenderer())


def _pillow() -> AbstractContextManager[PhotoRenderer]:
    return PillowPhotoRenderer().opened()


@pytest.fixture(scope="module", params=[_fake, _pillow], ids=["fake", "pillow"])
def renderer(request: pytest.FixtureRequest) -> Iterator[PhotoRenderer]:
    make: Callable[[], AbstractContextManager[PhotoRenderer]] = request.param
    with make() as renderer:
        yield renderer


@pytest.mark.parametrize("kind", [JPEG, PNG, WEBP])
@pytest.mark.parametrize(("width", "height"), [(40, 30), (1, 1), (3, 900), (900, 700)])
async def test_a_picture_becomes_a_square_webp_of_each_size(
    renderer: PhotoRenderer, kind: str, width: int, height: int
) -> None:
    renditions = await renderer.render(picture(kind, width=width, height=height))

    assert set(renditions) == set(PhotoSize)
    for size, data in renditions.items():
        with Image.open(BytesIO(data), formats=[WEBP]) as image:
            assert image.size == (size, size)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff", id="a byte"),
        pytest.param(b"hello", id="text"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
        pytest.param(encoded(FRAMES[0], "GIF"), id="GIF"),
        pytest.param(encoded(FRAMES[0], "BMP"), id="BMP"),
        pytest.param(b"\xff\xd8\xff", id="the beginning of a JPEG"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="the beginning of a PNG"),
        pytest.param(b"RIFF\0\0\0\0WEBP", id="the beginning of a WebP"),
        pytest.param(encoded(FRAMES[0], PNG, save_all=True, append_images=FRAMES[1:]), id="animated PNG"),
        pytest.param(encoded(FRAMES[0], WEBP, save_all=True, append_images=FRAMES[1:]), id="animated WebP"),
        pytest.param(picture() + bytes(PHOTO_MAX_BYTES), id="too many bytes"),
        pytest.param(picture(PNG, width=10_000, height=4_001, mode="1", colour="white"), id="too many pixels"),
    ],
)
async def test_anything_else_is_refused(renderer: PhotoRenderer, data: bytes) -> None:
    with pytest.raises(InvalidValue) as refusal:
        await renderer.render(data)

    assert refusal.value.reason == "invalid_photo"
    assert refusal.value.detail


async def test_different_pictures_stay_different(renderer: PhotoRenderer) -> None:
    teal, coral = await asyncio.gather(*(renderer.render(picture(colour=colour)) for colour in ("teal", "coral")))

    assert teal != coral
    assert teal == await renderer.render(picture(colour="teal"))


def test_one_renderer_serves_one_event_loop_after_the_other(renderer: PhotoRenderer) -> None:
    assert asyncio.run(renderer.render(picture())) == asyncio.run(renderer.render(picture()))
