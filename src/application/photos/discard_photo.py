"""Delete the files of a photo that is nobody's any more."""

from dataclasses import dataclass

from application.photos.ports import PhotoLedger, PhotoStore


@dataclass(frozen=True, slots=True)
class DiscardPhoto:
    """The files first and then the name on the ledger: whatever stops between is found again by the sweep (F09)."""

    ledger: PhotoLedger
    store: PhotoStore

    async def __call__(self, photo_id: str) -> None:
        """For an id that the ledger names. Raises ServiceUnavailable when it is left to the sweep."""
        await self.store.delete(photo_id)
        await self.ledger.forget(photo_id)
