"""Of a picture nothing is kept but pixels (F05): no place, no camera, no words, nothing behind its end."""

import struct
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from domain.photos.photo import PhotoSize
from infrastructure.photos.renderer import PillowPhotoRenderer
from tests.support.photos import JPEG, PNG, WEBP, encoded

CANARY = "canary 52.5163 N 13.3777 E"
BYTES = CANARY.encode()
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + BYTES
XMP = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>{CANARY}</a></x:xmpmeta>'.encode()


@pytest.fixture(scope="module")
def renderer() -> Iterator[PillowPhotoRenderer]:
    with PillowPhotoRenderer().opened() as renderer:
        yield renderer


def exif() -> Image.Exif:
    tags = Image.Exif()
    for tag in (ExifTags.Base.ImageDescription, ExifTags.Base.Artist, ExifTags.Base.Make, ExifTags.Base.Model):
        tags[tag] = CANARY
    tags.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (52.0, 30.0, 58.7), 3: "E", 4: (13.0, 22.0, 39.7), 27: BYTES})
    return tags


def jpeg() -> bytes:
    image = Image.effect_noise((600, 500), 40).convert("RGB")
    return encoded(image, JPEG, exif=exif(), xmp=XMP, icc_profile=PROFILE, comment=BYTES)


def png() -> bytes:
    image = Image.effect_noise((600, 500), 40).convert("RGB")
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", CANARY)
    texts.add_text("Compressed", CANARY, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return encoded(image, PNG, exif=exif(), pnginfo=texts, icc_profile=PROFILE)


def webp() -> bytes:
    image = Image.effect_noise((600, 500), 40).convert("RGBA")
    image.putalpha(128)
    return encoded(image, WEBP, exif=exif(), xmp=XMP, icc_profile=PROFILE)


def chunks(data: bytes) -> list[bytes]:
    """Their names, and the test fails if they do not fill the file."""
    names, at = [], 12
    while at < len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        names.append(name)
        at += 8 + length + length % 2
    assert at == len(data) == struct.unpack_from("<I", data, 4)[0] + 8
    return names


@pytest.mark.parametrize("make", [jpeg, png, webp])
async def test_f05_nothing_is_kept_but_pixels(renderer: PillowPhotoRenderer, make: Callable[[], bytes]) -> None:
    data = make() + BYTES
    assert data.count(BYTES) >= 4, "or the canary would prove nothing"

    for size, rendition in (await renderer.render(data)).items():
        assert BYTES not in rendition
        assert BYTES.hex().encode() not in rendition
        assert chunks(rendition) in ([b"VP8 "], [b"VP8X", b"ALPH", b"VP8 "])
        with Image.open(BytesIO(rendition), formats=[WEBP]) as image:
            assert image.size == (size, size)
            assert not image.getexif()
            assert not {"exif", "xmp", "icc_profile"} & set(image.info)


async def test_f05_what_was_made_invisible_is_gone(renderer: PillowPhotoRenderer) -> None:
    """People erase with transparency. The colours under it would still be there for whoever takes it away."""
    image = Image.new("RGBA", (512, 512), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 256, 512))

    renditions = await renderer.render(encoded(image, PNG))

    with Image.open(BytesIO(renditions[PhotoSize.LARGE])) as shown:
        assert shown.mode == "RGBA"
        red, _, _, alpha = shown.getpixel((450, 256))  # type: ignore[misc]
        assert (red < 30, alpha) == (True, 0)
        assert shown.getpixel((50, 256))[3] == 255  # type: ignore[index]
