"""What begins like a picture, before anything is read of it."""

import pytest

from domain.errors import InvalidValue
from domain.photos.photo import refuse_other_content

WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 "


@pytest.mark.parametrize("data", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n\x00", WEBP], ids=["JPEG", "PNG", "WebP"])
def test_f03_three_kinds_are_admitted(data: bytes) -> None:
    refuse_other_content(data)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xd8", b"\x89png\r\n\x1a\n\x00",
        WEBP.replace(b"WEBP", b"WAVE"), WEBP.replace(b"RIFF", b"RIFX"), b"GIF89a",
    ],
    ids=["nothing", "half a JPEG", "no PNG", "a sound", "another container", "a GIF"],
)  # fmt: skip
def test_f03_nothing_else_is(data: bytes) -> None:
    with pytest.raises(InvalidValue) as refusal:
        refuse_other_content(data)
    assert refusal.value.reason == "invalid_photo"
    assert "JPEG, PNG or WebP" in str(refusal.value)
