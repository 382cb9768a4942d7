"""What the pixels become: upright, in the middle, and in the colours they had."""

from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import ExifTags, Image, ImageCms

from domain.photos.photo import PhotoSize
from infrastructure.photos.renderer import PillowPhotoRenderer
from tests.support.photos import JPEG, PNG, WEBP, encoded

LARGE = PhotoSize.LARGE
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CORNERS = {(0, 0): RED, (1, 0): GREEN, (0, 1): BLUE, (1, 1): WHITE}


@pytest.fixture(scope="module")
def renderer() -> Iterator[PillowPhotoRenderer]:
    with PillowPhotoRenderer().opened() as renderer:
        yield renderer


async def shown(renderer: PillowPhotoRenderer, data: bytes, size: PhotoSize = LARGE) -> Image.Image:
    with Image.open(BytesIO((await renderer.render(data))[size]), formats=[WEBP]) as image:
        return image.convert("RGBA")


def alike(one: tuple[int, ...], other: tuple[int, ...], by: int = 24) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one[:3], other, strict=False))


def four_corners(width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width, height))
    for (column, row), colour in CORNERS.items():
        image.paste(colour, (column * width // 2, row * height // 2, width, height))
    return image


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    far = image.width * 3 // 4
    near = image.width // 4
    return [image.getpixel((far if column else near, far if row else near)) for column, row in CORNERS]  # type: ignore[misc]


STORED_AS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera stores what it held so, for the viewer to undo (Exif 2.32, 4.6.4 A)."""


@pytest.mark.parametrize("kind", [JPEG, PNG, WEBP])
@pytest.mark.parametrize("orientation", range(10))
async def test_a_picture_stands_upright(renderer: PillowPhotoRenderer, kind: str, orientation: int) -> None:
    upright = four_corners(300, 200)
    stored = upright.transpose(STORED_AS[orientation]) if orientation in STORED_AS else upright
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation

    image = await shown(renderer, encoded(stored, kind, exif=exif))

    for colour, expected in zip(corners(image), CORNERS.values(), strict=True):
        assert alike(colour, expected)


@pytest.mark.parametrize(("width", "height"), [(900, 300), (300, 900), (3000, 2999), (7, 5), (2049, 4100)])
async def test_the_square_in_the_middle_is_shown(renderer: PillowPhotoRenderer, width: int, height: int) -> None:
    side = min(width, height)
    left, upper = (width - side) // 2, (height - side) // 2
    image = Image.new("RGB", (width, height), "black")
    image.paste(four_corners(side, side), (left, upper))

    for size in PhotoSize:
        made = await shown(renderer, encoded(image, PNG), size)
        assert all(alike(one, other) for one, other in zip(corners(made), CORNERS.values(), strict=True))
        assert not alike(made.getpixel((size // 8, size // 8)), (0, 0, 0))  # type: ignore[arg-type]


TEAL, GREY = (0, 128, 128), (100, 100, 100)


def sixteen_bits() -> Image.Image:
    return Image.new("I;16", (50, 50), 100 * 257)


@pytest.mark.parametrize(
    ("image", "kind", "expected"),
    [
        pytest.param(Image.new("CMYK", (50, 50), (255, 127, 127, 0)), JPEG, TEAL, id="CMYK"),
        pytest.param(Image.new("L", (50, 50), 100), JPEG, GREY, id="grey JPEG"),
        pytest.param(Image.new("YCbCr", (50, 50), (90, 149, 64)), JPEG, TEAL, id="YCbCr"),
        pytest.param(Image.new("L", (50, 50), 100), PNG, GREY, id="grey PNG"),
        pytest.param(sixteen_bits(), PNG, GREY, id="grey of 16 bits"),
        pytest.param(Image.new("1", (50, 50), 1), PNG, WHITE, id="black and white"),
        pytest.param(Image.new("RGB", (50, 50), TEAL).quantize(), PNG, TEAL, id="palette"),
        pytest.param(Image.new("LA", (50, 50), (100, 255)), PNG, GREY, id="grey with alpha"),
        pytest.param(Image.new("RGBA", (50, 50), (*TEAL, 255)), PNG, TEAL, id="colours with alpha"),
        pytest.param(Image.new("RGBA", (50, 50), (*TEAL, 255)), WEBP, TEAL, id="WebP with alpha"),
    ],
)
async def test_colours_stay(
    renderer: PillowPhotoRenderer, image: Image.Image, kind: str, expected: tuple[int, ...]
) -> None:
    made = await shown(renderer, encoded(image, kind))

    colour = made.getpixel((256, 256))
    assert alike(colour, expected, by=6), colour  # type: ignore[arg-type]
    assert colour[3] == 255  # type: ignore[index]


@pytest.mark.parametrize(
    ("image", "options"),
    [
        pytest.param(Image.new("RGBA", (50, 50), (*TEAL, 0)), {}, id="alpha"),
        pytest.param(Image.new("LA", (50, 50), (100, 0)), {}, id="grey with alpha"),
        pytest.param(Image.new("RGB", (50, 50), TEAL).quantize(), {"transparency": 0}, id="a colour of the palette"),
        pytest.param(Image.new("RGB", (50, 50), TEAL), {"transparency": TEAL}, id="a colour"),
        pytest.param(Image.new("L", (50, 50), 100), {"transparency": 100}, id="a grey"),
    ],
)
async def test_transparent_parts_stay_transparent(
    renderer: PillowPhotoRenderer, image: Image.Image, options: dict[str, object]
) -> None:
    made = await shown(renderer, encoded(image, PNG, **options))

    assert made.getpixel((256, 256))[3] == 0  # type: ignore[index]


def red_and_green_exchanged() -> bytes:
    """The sRGB profile with the names of two of its primaries exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    head, tail = profile[:512], profile[512:]
    return head.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ") + tail


@pytest.mark.parametrize("kind", [JPEG, PNG, WEBP])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
async def test_colours_are_converted_from_the_profile_that_they_are_in(
    renderer: PillowPhotoRenderer, kind: str, mode: str
) -> None:
    if kind == JPEG and mode == "RGBA":
        mode = "RGB"
    image = Image.new(mode, (50, 50), "red")

    made = await shown(renderer, encoded(image, kind, icc_profile=red_and_green_exchanged()))

    assert alike(made.getpixel((256, 256)), GREEN, by=40)  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", [b"no profile", bytes(200), b"\xff" * 5000])
async def test_a_profile_that_makes_no_sense_is_passed_over(renderer: PillowPhotoRenderer, profile: bytes) -> None:
    made = await shown(renderer, encoded(Image.new("RGB", (50, 50), TEAL), JPEG, icc_profile=profile))

    assert alike(made.getpixel((256, 256)), TEAL)  # type: ignore[arg-type]


@pytest.mark.parametrize("progressive", [False, True])
async def test_a_large_jpeg_is_read_at_a_fraction_of_its_size(renderer: PillowPhotoRenderer, progressive: bool) -> None:
    data = encoded(four_corners(4200, 3000), JPEG, progressive=progressive)

    made = await shown(renderer, data)

    assert all(alike(one, other) for one, other in zip(corners(made), CORNERS.values(), strict=True))
