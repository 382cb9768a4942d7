"""PNGs that lie, and PNGs that unpack to much more than they are."""

import struct
import zlib
from functools import cache
from io import BytesIO
from zipfile import ZipFile

from PIL import Image

from tests.support.hostile_pictures.hostile import HarmlessAs, Hostile
from tests.support.photos import PNG, encoded, picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, RGBA = 0, 2, 6
END = b"\0\0\0\0IEND\xae\x42\x60\x82"


def chunk(name: bytes, data: bytes, *, length: int | None = None, crc: int | None = None) -> bytes:
    crc = zlib.crc32(name + data) if crc is None else crc
    return struct.pack(">I", len(data) if length is None else length) + name + data + struct.pack(">I", crc)


def ihdr(width: int, height: int, *, depth: int = 8, colours: int = GREY) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))


BOMB = 256 * 1024**2


@cache
def zeros(count: int) -> bytes:
    """So many of them, compressed a thousandfold."""
    packer, block = zlib.compressobj(9), bytes(1024 * 1024)
    parts = [packer.compress(block) for _ in range(count // len(block))]
    return b"".join(parts) + packer.compress(bytes(count % len(block))) + packer.flush()


def whole(*between: bytes, width: int = 8, height: int = 8) -> bytes:
    """A good small picture with something between its header and its pixels."""
    pixels = chunk(b"IDAT", zeros((width + 1) * height))
    return SIGNATURE + ihdr(width, height) + b"".join(between) + pixels + END


def pixel_flood() -> bytes:
    return SIGNATURE + ihdr(65_535, 65_535, colours=RGBA) + chunk(b"IDAT", zeros(1000)) + END


def size_overflow() -> bytes:
    return SIGNATURE + ihdr(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", zeros(1000)) + END


def most_pixels_allowed() -> bytes:
    """40 million pixels of 8 bytes in 300 KiB: within the limits, and as dear as can be."""
    side = 6324
    pixels = chunk(b"IDAT", zeros((side * 8 + 1) * side))
    return SIGNATURE + ihdr(side, side, depth=16, colours=RGBA) + pixels + END


def pixels_without_end() -> bytes:
    """An image of 64 pixels that unpacks to a quarter of a gigabyte."""
    return SIGNATURE + ihdr(8, 8) + chunk(b"IDAT", zeros(BOMB)) + END


def profile_bomb() -> bytes:
    return whole(chunk(b"iCCP", b"bomb\0\0" + zeros(BOMB)))


def text_bomb() -> bytes:
    return whole(chunk(b"zTXt", b"bomb\0\0" + zeros(BOMB)))


def text_bombs() -> bytes:
    return whole(*[chunk(b"iTXt", b"bomb %d\0\1\0\0\0" % number + zeros(1024**2 - 8)) for number in range(300)])


def hundred_frames() -> bytes:
    frames = [Image.new("RGB", (64, 64), (number, 0, 0)) for number in range(100)]
    return encoded(frames[0], PNG, save_all=True, append_images=frames[1:])


def truncated() -> bytes:
    data = encoded(Image.effect_noise((200, 200), 80), PNG)
    return data[: len(data) // 2]


def corrupted_checksums() -> bytes:
    return whole(chunk(b"gAMA", struct.pack(">I", 45455), crc=0)).replace(ihdr(8, 8)[-4:], bytes(4))


def corrupted_pixels() -> bytes:
    return SIGNATURE + ihdr(8, 8) + chunk(b"IDAT", zeros(72), crc=0) + END


def chunk_past_the_end() -> bytes:
    return whole(chunk(b"tEXt", b"a\0b", length=2**32 - 1))


def many_chunks() -> bytes:
    return whole(chunk(b"tEXt", b"a\0b") * 200_000)


def no_width() -> bytes:
    return whole(width=0)


def strip() -> bytes:
    """One pixel wide and 40 million high."""
    return whole(width=1, height=40_000_000)


def with_archive() -> bytes:
    """A picture that unzips."""
    archive = BytesIO()
    with ZipFile(archive, "w") as files:
        files.writestr("evil.txt", "evil")
    return picture(PNG) + archive.getvalue()


PNGS = (
    Hostile("PNG of 4 thousand million pixels", pixel_flood),
    Hostile("PNG whose size overflows", size_overflow),
    Hostile("PNG of 40 million pixels in 300 KiB", most_pixels_allowed, HarmlessAs.RENDERED, dear=True),
    Hostile("PNG of 64 pixels and 256 MiB", pixels_without_end, HarmlessAs.RENDERED),
    Hostile("PNG with a colour profile of 256 MiB", profile_bomb),
    Hostile("PNG with a text of 256 MiB", text_bomb),
    Hostile("PNG with 300 texts of a MiB", text_bombs),
    Hostile("PNG of a hundred frames", hundred_frames),
    Hostile("PNG cut off", truncated),
    Hostile("PNG with wrong checksums", corrupted_checksums),
    Hostile("PNG with a wrong checksum of its pixels", corrupted_pixels, HarmlessAs.RENDERED),
    Hostile("PNG with a chunk that ends past its end", chunk_past_the_end),
    Hostile("PNG of 200 thousand chunks", many_chunks),
    Hostile("PNG of no width", no_width),
    Hostile("PNG of one by 40 million pixels", strip, HarmlessAs.RENDERED, dear=True),
    Hostile("PNG that is an archive too", with_archive, HarmlessAs.RENDERED),
)
