"""The one module that imports Pillow, and with it decoders written in C. It runs in the darkroom's processes only.

No file is opened by trial: the header says which of three decoders is called, and no other one is loaded that could be
(F03; Pillow's decoders for FITS, PSD and EPS are where its recent vulnerabilities were).
"""

import sys
import warnings
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Final

# Pillow would load these by itself when it saves.
for _plugin in ("BmpImagePlugin", "GifImagePlugin", "MpoImagePlugin", "PpmImagePlugin"):
    sys.modules[f"PIL.{_plugin}"] = None  # type: ignore[assignment]  # an import of it fails from now on

from PIL import ExifTags, Image, ImageCms, ImageFile, PngImagePlugin  # noqa: E402
from PIL.JpegImagePlugin import JpegImageFile  # noqa: E402
from PIL.PngImagePlugin import PngImageFile  # noqa: E402
from PIL.WebPImagePlugin import WebPImageFile  # noqa: E402

from domain.photos.photo import PHOTO_MAX_PIXELS, PhotoSize  # noqa: E402
from infrastructure.photos.picture_header import PictureKind, read_header  # noqa: E402

Image.MAX_IMAGE_PIXELS = PHOTO_MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)
ImageFile.LOAD_TRUNCATED_IMAGES = False
# Texts and profiles in a PNG are compressed: bombs of their own.
PngImagePlugin.MAX_TEXT_CHUNK = 1024 * 1024
PngImagePlugin.MAX_TEXT_MEMORY = 4 * PngImagePlugin.MAX_TEXT_CHUNK
_DECODERS: Final[Mapping[PictureKind, Callable[[BytesIO], ImageFile.ImageFile]]] = {
    PictureKind.JPEG: JpegImageFile,  # of an MPO the first picture: phones write HDR photos so
    PictureKind.PNG: PngImageFile,
    PictureKind.WEBP: WebPImageFile,
}
_SRGB: Final = ImageCms.createProfile("sRGB")
_ENOUGH: Final = 2 * max(PhotoSize)
"""Width and height from which the renditions are made: twice the largest keeps edges sharp."""
_BAND: Final = 64
"""Rows of the reduced picture that are made at once."""
_QUALITY: Final = 85

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation (Exif 2.32, 4.6.4 A)."""


def rendered(data: bytes) -> dict[PhotoSize, bytes]:
    """The picture in each size, as WebP of pixels alone. Raises whatever Pillow raises for one that it cannot read."""
    header = read_header(data)
    with _DECODERS[header.kind](BytesIO(data)) as picture:
        if picture.size != (header.width, header.height):
            raise ValueError("the decoder sees another picture than the header promised")
        orientation, profile = _orientation(picture), picture.info.get("icc_profile")
        picture.draft(None, (_ENOUGH, _ENOUGH))  # a JPEG can be decoded at an eighth of its size, for as little memory
        square = _centre_square(picture)
    square = _in_srgb(square, profile)
    if orientation in _UPRIGHT:
        square = square.transpose(_UPRIGHT[orientation])
    return {size: _webp(square.resize((size, size), Image.Resampling.LANCZOS)) for size in PhotoSize}


def _orientation(picture: Image.Image) -> int | None:
    try:
        return picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - of metadata this is all that is wanted, and it may be anything
        return None


def _centre_square(picture: Image.Image) -> Image.Image:
    """The square in the middle, reduced by a whole factor to no less than is needed.

    It is made band by band, so that of a large picture there is never a second copy (F04).
    """
    side = min(picture.size)
    left, upper = (picture.width - side) // 2, (picture.height - side) // 2
    factor = max(1, side // _ENOUGH)
    square: Image.Image | None = None
    for top in range(0, side, _BAND * factor):
        rows = min(_BAND * factor, side - top)
        band = _plain(picture.crop((left, upper + top, left + side, upper + top + rows))).reduce(factor)
        if square is None:
            square = Image.new(band.mode, (band.width, -(-side // factor)))
        square.paste(band, (0, top // factor))
    assert square is not None  # noqa: S101 - no side is 0
    return square


def _plain(band: Image.Image) -> Image.Image:
    """In one of four modes: L, RGB, RGBA, CMYK, the first and the last of which a colour profile may be about."""
    if band.mode.startswith("I"):  # 16 bits
        return band.point(lambda value: value / 256).convert("L") if band.mode == "I" else _upper_byte(band)
    if band.has_transparency_data:
        return band.convert("RGBA")
    if band.mode in {"L", "RGB", "CMYK"}:
        return band
    return band.convert("L" if band.mode == "1" else "RGB")


def _upper_byte(band: Image.Image) -> Image.Image:
    return band.convert("I").point(lambda value: value / 256).convert("L")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours as a browser shows them that knows no profile; one that makes no sense is passed over."""
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = picture.convert("RGB") if alpha else picture
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            colours = ImageCms.profileToProfile(colours, source, _SRGB, outputMode="RGB") or colours
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    colours = colours.convert("RGB")
    if alpha is None:
        return colours
    colours.putalpha(alpha)
    # What is wholly transparent has no colour: people make parts of a picture invisible and believe them gone (F05).
    return colours.convert("RGBa").convert("RGBA")


def _webp(picture: Image.Image) -> bytes:
    output = BytesIO()
    picture.save(output, "WEBP", quality=_QUALITY)
    return output.getvalue()


def warm() -> None:
    """Have everything loaded and tried once, so that what comes later needs no file.

    TiffImagePlugin is among it: EXIF is laid out like a TIFF. As a decoder nothing calls it.
    """
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    profile = ImageCms.ImageCmsProfile(_SRGB).tobytes()
    for kind in PictureKind:
        output = BytesIO()
        Image.new("RGB", (2, 3)).save(output, kind.name, exif=exif, icc_profile=profile)
        rendered(output.getvalue())
