import itertools

import pytest

from infrastructure.tokens import base64url

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize(
    ("data", "text"), [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8")]
)
def test_the_one_spelling(data: bytes, text: str) -> None:
    """RFC 4648 10, without padding."""
    assert base64url.encode(data) == text
    assert base64url.decode(text) == data


def test_of_all_short_texts_only_the_spellings_are_read() -> None:
    """T9: lax padding and unused bits. Of the 64² two-letter texts 256 are spellings of a byte."""
    alphabet = [*ALPHABET, "+", "/", "=", " ", "\n", ".", "\0", "\u00e9"]
    read = []
    for text in map("".join, itertools.product(alphabet, repeat=2)):
        try:
            read.append((text, base64url.decode(text)))
        except ValueError:
            continue
    assert len(read) == len({data for _, data in read}) == 256


@pytest.mark.parametrize(
    "text",
    [
        "=",
        "Zg=",
        "Zg==",
        "Zg===",
        "Zm8=",
        "Zm9v=",
        "Zm9v====",
        "Zh",
        "Zm9",
        "Zm9vY",
        "Zm9v\n",
        " Zm9v",
        "Zm 9v",
        "Z\ud800",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        base64url.decode(text)
