"""WebPs that lie."""

import struct

from PIL import Image

from tests.support.hostile_pictures.hostile import HarmlessAs, Hostile
from tests.support.photos import WEBP, encoded, picture


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def canvas(width: int, height: int) -> bytes:
    return chunk(b"VP8X", bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def pixel_flood() -> bytes:
    return riff(canvas(2**24, 2**8), picture(WEBP)[12:])


def another_canvas() -> bytes:
    """A canvas of 20 million pixels around a picture of a thousand."""
    return riff(canvas(5_000, 4_000), picture(WEBP)[12:])


def most_pixels_allowed() -> bytes:
    """24 million pixels in a few KiB: within the limits, and what takes the most memory of all."""
    return encoded(Image.new("RGBA", (4_900, 4_896), (1, 2, 3, 4)), WEBP, lossless=True, method=0, quality=0)


def hundred_frames() -> bytes:
    frames = [Image.new("RGB", (64, 64), (2 * number, 0, 0)) for number in range(100)]
    return encoded(frames[0], WEBP, save_all=True, append_images=frames[1:], lossless=True)


def truncated() -> bytes:
    data = encoded(Image.effect_noise((200, 200), 80).convert("RGB"), WEBP)
    return data[: len(data) // 2]


def with_script() -> bytes:
    """``RIFF`` and its length are a name to a script, and a comment hides the rest."""
    data = picture(WEBP)
    return b"RIFF=/*" + data[7:] + b"*/1;alert(document.domain)"


WEBPS = (
    Hostile("WebP of 4 thousand million pixels", pixel_flood),
    Hostile("WebP whose canvas is not its picture", another_canvas),
    Hostile("WebP of 24 million pixels in a few KiB", most_pixels_allowed, HarmlessAs.RENDERED, dear=True),
    Hostile("WebP of a hundred frames", hundred_frames),
    Hostile("WebP cut off", truncated),
    Hostile("WebP that is a script too", with_script),
)
