"""Delete the photos that nobody owns."""

from dataclasses import dataclass
from datetime import timedelta

from application.photos.discard_photo import DiscardPhoto
from application.photos.ports import PhotoLedger
from domain.photos.photo import UNOWNED_GRACE

_MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPhotos:
    """What uploads that died and deletions that failed have left, some at a time; any number of nodes may do it."""

    ledger: PhotoLedger
    discard_photo: DiscardPhoto
    grace: timedelta = UNOWNED_GRACE

    async def __call__(self) -> int:
        """How many were deleted. Raises ServiceUnavailable, with the rest left to the next time."""
        photo_ids = await self.ledger.unowned(for_longer_than=self.grace, at_most=_MOST_AT_ONCE)
        for photo_id in photo_ids:
            await self.discard_photo(photo_id)
        return len(photo_ids)
