"""What a picture says it is, read from its first bytes without decoding anything (F03, F04).

Standard library only and bounded in time, so that it runs in the server process before anything is queued: a flood
that declares 4 thousand million pixels is refused here.
"""

import struct
from dataclasses import dataclass
from enum import Enum

from domain.photos.errors import invalid_photo
from domain.photos.photo import PHOTO_MAX_BYTES, PHOTO_MAX_PIXELS

MOST_PARTS = 1_000
"""JPEG segments and PNG chunks before the pixels. Cameras write a dozen; a large colour profile takes eighty."""

WEBP_MAX_PIXELS = 24_000_000
"""The decoder of WebP holds a picture four times over: more would not fit into the memory that it gets."""

_MARK = 0xFF
_VP8L_MARK = 0x2F
_PNG = b"\x89PNG\r\n\x1a\n"
_SIZES_IN_JPEG = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15 (ITU-T T.81, table B.1)
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9


class PictureKind(Enum):
    """The kinds that are read. The content decides, never a name or a declared type."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """Kind, width and height in pixels, and whether it has more than one frame."""

    kind: PictureKind
    width: int
    height: int
    animated: bool = False


def read_header(data: bytes) -> PictureHeader:
    """The header of a picture that may be decoded. Raises InvalidValue ``invalid_photo`` with the reason otherwise."""
    if len(data) > PHOTO_MAX_BYTES:
        raise invalid_photo(f"A picture has at most {PHOTO_MAX_BYTES // 1024**2} MiB.")
    try:
        header = _header(data)
    except (struct.error, IndexError):
        raise invalid_photo() from None
    if header is None or not header.width or not header.height:
        raise invalid_photo()
    if header.animated:
        raise invalid_photo("The picture is animated. A photo has one frame.")
    most = WEBP_MAX_PIXELS if header.kind is PictureKind.WEBP else PHOTO_MAX_PIXELS
    if header.width * header.height > most:
        raise invalid_photo(f"A {header.kind.value} picture has at most {most // 1_000_000} million pixels.")
    return header


def is_rendition(data: bytes, size: int) -> bool:
    """Whether it is a square WebP of that size without animation, metadata, or bytes behind its end (F05, F06).

    What comes back from a decoder is believed no more than what went in: one that a picture has taken over could
    answer with anything.
    """
    try:
        header = _header(data)
        flags = data[20] & 0b0010_1110 if data[12:16] == b"VP8X" else 0  # ICC profile, EXIF, XMP, animation
    except (struct.error, IndexError):
        return False
    ends = len(data) == int.from_bytes(data[4:8], "little") + 8
    return header == PictureHeader(PictureKind.WEBP, size, size) and ends and not flags


def _header(data: bytes) -> PictureHeader | None:
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _jpeg(data: bytes) -> PictureHeader | None:
    """The size in the first start of frame (ITU-T T.81, B.2.2)."""
    at = 2
    for _ in range(MOST_PARTS):
        mark, marker = data[at], data[at + 1]
        if mark == marker == _MARK:  # a fill byte
            at += 1
            continue
        if mark != _MARK or marker in {_START_OF_SCAN, _END_OF_IMAGE}:
            return None
        if marker in _SIZES_IN_JPEG:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return PictureHeader(PictureKind.JPEG, width, height)
        at += 2
        if marker not in _WITHOUT_LENGTH:
            at += struct.unpack_from(">H", data, at)[0]
    return None


def _png(data: bytes) -> PictureHeader | None:
    """The size in IHDR, and whether an acTL before the pixels announces frames (PNG third edition, 11.2.1, 11.3.6)."""
    if data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    at = len(_PNG)
    for _ in range(MOST_PARTS):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"acTL":
            frames = struct.unpack_from(">I", data, at + 8)[0]
            return PictureHeader(PictureKind.PNG, width, height, animated=frames != 1)
        if name == b"IDAT":
            return PictureHeader(PictureKind.PNG, width, height)
        at += length + 12
    return None


def _webp(data: bytes) -> PictureHeader | None:
    """The size in the first chunk (RFC 9649, 2.5 to 2.7)."""
    match data[12:16]:
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
            return PictureHeader(PictureKind.WEBP, width, height)
        case b"VP8L" if data[20] == _VP8L_MARK:
            bits = struct.unpack_from("<I", data, 21)[0]
            return PictureHeader(PictureKind.WEBP, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X" if len(data) >= len("RIFF....WEBPVP8X....") + 10:
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
            return PictureHeader(PictureKind.WEBP, width, height, animated=bool(data[20] & 0x02))
    return None
