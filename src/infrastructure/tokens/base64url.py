"""Base64url without padding (RFC 7515 2), read strictly.

The decoders of the standard library skip foreign characters, take padding in odd places and drop the unused bits of
the last character, so that one value has many spellings (T9). Here it has one.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(data: bytes) -> str:
    """The one spelling of ``data``."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Raises ValueError for anything but the one spelling."""
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
