"""Ids that sort by the time they were made (RFC 9562 5.7, UUIDv7), and ids that nobody can guess."""

import secrets
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7; within one process each sorts behind the one before, in the same millisecond too.

    The standard library knows version 7 from Python 3.14 on only.
    """
    return uuid7()


def new_photo_id() -> str:
    """256 random bits in base64url, 43 characters: whoever knows one can look at the photo (F10)."""
    return secrets.token_urlsafe(32)
