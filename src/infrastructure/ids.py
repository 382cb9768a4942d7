"""Ids that sort by the time they were made (RFC 9562 5.7, UUIDv7)."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7; within one process each sorts behind the one before, in the same millisecond too.

    The standard library knows version 7 from Python 3.14 on only.
    """
    return uuid7()
