"""JPEGs that lie, that take for ever, and that are something else as well."""

import struct

from PIL import Image

from tests.support.hostile_pictures.hostile import HarmlessAs, Hostile
from tests.support.photos import JPEG, encoded, picture

START, END = b"\xff\xd8", b"\xff\xd9"
EXIF = 0xE1
COMMENT = 0xFE
PROFILE = 0xE2


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(*segments: bytes, of: bytes | None = None) -> bytes:
    """A good picture with these behind its start."""
    of = of or picture(JPEG)
    return START + b"".join(segments) + of[2:]


def of_size(width: int, height: int) -> bytes:
    """A good picture that claims to have another size."""
    data = picture(JPEG)
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def pixel_flood() -> bytes:
    return of_size(65_500, 65_500)


def promised_pixels() -> bytes:
    """Claims 39 million pixels and has a few."""
    return of_size(6_250, 6_250)


def no_height() -> bytes:
    return of_size(40, 0)


def scans_without_end() -> bytes:
    """36 million pixels, gone over again and again by scans of a few bytes each.

    The last scan of a progressive picture is repeated: it refines what is there and needs no data to speak of.
    """
    data = encoded(Image.new("L", (6_000, 6_000), 128), JPEG, progressive=True)
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    return data[:-2] + scan * ((5 * 1024**2 - len(data)) // len(scan)) + END


def many_segments() -> bytes:
    return with_segments(segment(COMMENT, b"x") * 200_000)


def fill_bytes() -> bytes:
    return START + b"\xff" * (4 * 1024**2) + picture(JPEG)[2:]


def truncated() -> bytes:
    data = encoded(Image.effect_noise((200, 200), 80), JPEG)
    return data[: len(data) // 2]


def several_pictures() -> bytes:
    """An MPO, as phones write, whose further pictures are another decoder's."""
    pictures = [Image.new("RGB", (300, 300), colour) for colour in ("red", "green", "blue")]
    return encoded(pictures[0], "MPO", save_all=True, append_images=pictures[1:])


def tiff(*entries: bytes, following: int = 0) -> bytes:
    """EXIF with one directory of these entries, which goes on at ``following``."""
    body = struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", following)
    return b"Exif\0\0II*\0\x08\0\0\0" + body


def endless_exif() -> bytes:
    """Directories that name themselves as their next, as the one of EXIF and as the one of GPS."""
    pointers = [struct.pack("<HHII", tag, 4, 1, 8) for tag in (0x8769, 0x8825, 0xA005)]
    return with_segments(segment(EXIF, tiff(*pointers, following=8)))


def huge_exif() -> bytes:
    """Entries of 4 thousand million values each."""
    entries = [struct.pack("<HHII", 0x0100 + number, 12, 2**32 - 1, 8) for number in range(4_000)]
    return with_segments(segment(EXIF, tiff(*entries)))


def profile_bomb() -> bytes:
    """A colour profile whose table has 2^32 - 1 entries of 2^32 - 1 bytes."""
    header = bytearray(128)
    header[0:4], header[36:40] = struct.pack(">I", 2**32 - 1), b"acsp"
    header[12:24] = b"mntrRGB XYZ "
    table = struct.pack(">I", 2**32 - 1) + struct.pack(">4sII", b"A2B0", 132, 2**32 - 1) * 1_000
    return with_segments(segment(PROFILE, b"ICC_PROFILE\0\x01\x01" + bytes(header) + table))


def with_page() -> bytes:
    script = b"<html><script>alert(document.domain)</script></html>"
    return with_segments(segment(COMMENT, script)) + script


JPEGS = (
    Hostile("JPEG of 4 thousand million pixels", pixel_flood),
    Hostile("JPEG of 39 million pixels that are not there", promised_pixels, HarmlessAs.RENDERED),
    Hostile("JPEG of no height", no_height),
    Hostile("JPEG of scans without end", scans_without_end, dear=True),
    Hostile("JPEG of 200 thousand segments", many_segments),
    Hostile("JPEG with 4 MiB of fill bytes", fill_bytes),
    Hostile("JPEG cut off", truncated),
    Hostile("JPEG of several pictures", several_pictures, HarmlessAs.RENDERED),
    Hostile("JPEG with EXIF that goes round in a circle", endless_exif, HarmlessAs.RENDERED),
    Hostile("JPEG with EXIF of huge counts", huge_exif, HarmlessAs.RENDERED),
    Hostile("JPEG with a colour profile of huge counts", profile_bomb, HarmlessAs.RENDERED),
    Hostile("JPEG that is a page too", with_page, HarmlessAs.RENDERED),
)
