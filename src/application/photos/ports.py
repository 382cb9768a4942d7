"""What the photo use cases need of the world.

A photo is written before anybody owns it and deleted after nobody does any more. So that no crash leaves files behind,
the ledger names every photo that may have files and has no owner: its name is there before the first file is, goes
in the statement that makes it somebody's, and comes back in the one that takes it away (F09).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from application.sessions.ports import Caller
from domain.photos.photo import PhotoSize

Renditions = Mapping[PhotoSize, bytes]
"""A photo in each size, as WebP without metadata."""


class PhotoRenderer(Protocol):
    """Turns untrusted bytes into pictures of ours, apart from the service and within bounds of memory and time."""

    async def render(self, data: bytes) -> Renditions:
        """Orientation applied, cut square, nothing kept but pixels (F03 to F05).

        Raises InvalidValue ``invalid_photo`` for content that is no picture or past the limits, Overloaded when too
        many wait, ServiceUnavailable when pictures cannot be read at the moment.
        """
        ...


class PhotoIdGenerator(Protocol):
    """What a photo's address ends in: 256 bits that nobody can guess (F10)."""

    def __call__(self) -> str:
        """Another one, of the form that :func:`domain.photos.photo.is_photo_id` knows."""
        ...


class PhotoStore(Protocol):
    """Keeps the renditions of photos under their ids. Each method raises ServiceUnavailable while it is away."""

    async def put(self, photo_id: str, renditions: Renditions) -> None:
        """Durable when it returns; after a crash a rendition is there whole or not at all."""
        ...

    async def get(self, photo_id: str, size: PhotoSize) -> bytes | None:
        """One rendition, if it is there."""
        ...

    async def delete(self, photo_id: str) -> None:
        """All of the photo's renditions; also when some or all are gone already."""
        ...


class PhotoLedger(Protocol):
    """The photos without an owner, each method one statement."""

    async def announce(self, photo_id: str) -> None:
        """Files of that name are about to be written; from now the window for claims counts.

        Raises ServiceUnavailable.
        """
        ...

    async def is_owned(self, photo_id: str) -> bool:
        """Whether it is the photo of an account now. Raises ServiceUnavailable."""
        ...

    async def unowned(self, *, for_longer_than: timedelta, at_most: int) -> Sequence[str]:
        """The photos nobody has owned for so long, the oldest first."""
        ...

    async def forget(self, photo_id: str) -> None:
        """Its files are gone."""
        ...


class PhotoWriter(Protocol):
    """Gives photos to accounts and takes them away, in a unit of work."""

    def claim(self, photo_id: str) -> None:
        """It is about to be an account's: off the ledger.

        The commit raises ServiceUnavailable when the ledger has named it for longer than the window for claims, for
        then a sweep deletes its files or is about to.
        """
        ...

    def replace(self, caller: Caller, photo_id: str | None) -> None:
        """Make it the caller's photo, or leave them none; the one they had goes onto the ledger.

        The commit raises InvalidAccessToken when the caller's session is not live any more.
        """
        ...

    def release_of(self, user_id: UUID) -> None:
        """Put the user's photo, if any, onto the ledger, in the unit of work that deletes the account."""
        ...
