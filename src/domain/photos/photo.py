"""What a photo is made of, and how long one without an owner lasts."""

import re
from datetime import timedelta
from enum import IntEnum

from domain.errors import InvalidValue
from domain.photos.errors import invalid_photo

PHOTO_MAX_BYTES = 5 * 1024 * 1024
"""Of what is uploaded (F04)."""
PHOTO_MAX_PIXELS = 40_000_000
"""Width by height of what is uploaded (F04)."""

CLAIM_WINDOW = timedelta(minutes=5)
"""How long after it was announced a photo can become somebody's."""
UNOWNED_GRACE = timedelta(minutes=10)
"""How long a photo has been nobody's before it is swept away.

Longer than the window by far more than a statement can last: once a sweep may touch a photo, nobody can claim it any
more, and so none that is somebody's loses its files (F09).
"""

_PHOTO_ID = re.compile(r"[A-Za-z0-9_-]{43}")


class PhotoSize(IntEnum):
    """Width and height in pixels of what is served; each is made of every photo, as WebP."""

    SMALL = 64
    MEDIUM = 256
    LARGE = 512

    @classmethod
    def parse(cls, text: str) -> "PhotoSize":
        """The size of that many pixels. Raises InvalidValue ``invalid_size``."""
        for size in cls:
            if text == str(size.value):
                return size
        raise InvalidValue("invalid_size", f"A photo has {', '.join(str(size.value) for size in cls)} pixels.")


def refuse_other_content(data: bytes) -> None:
    """Raises InvalidValue ``invalid_photo`` for what does not even begin like a JPEG, PNG or WebP picture.

    Costs nothing, so it comes before anything that does; what passes may be no picture all the same.
    """
    is_webp = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    if not is_webp and not data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        raise invalid_photo()


def is_photo_id(text: str) -> bool:
    """Whether it has the form of one: 256 bits in base64url. Nothing else ever reaches a store (F07)."""
    return _PHOTO_ID.fullmatch(text) is not None
