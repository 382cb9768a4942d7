"""Look at somebody's photo."""

from dataclasses import dataclass

from application.photos.ports import PhotoLedger, PhotoStore
from domain.photos.errors import PhotoNotFound
from domain.photos.photo import PhotoSize, is_photo_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPhoto:
    """A photo in one size, for whoever knows its address, for as long as it is somebody's (F10)."""

    ledger: PhotoLedger
    store: PhotoStore

    async def __call__(self, photo_id: str, size: PhotoSize, *, is_at_hand: bool = False) -> bytes | None:
        """The picture as WebP, or ``None`` for an asker who has it at hand and asks only whether it still holds.

        Raises PhotoNotFound, ServiceUnavailable.
        """
        # Whose it is, the database knows at each request: a photo is dead everywhere the moment it is replaced.
        if not is_photo_id(photo_id) or not await self.ledger.is_owned(photo_id):
            raise PhotoNotFound
        if is_at_hand:
            return None
        picture = await self.store.get(photo_id, size)
        if picture is None:
            # Replaced since the look above, and its files are gone.
            raise PhotoNotFound
        return picture
