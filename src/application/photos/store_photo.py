"""Make a photo that is nobody's yet."""

from dataclasses import dataclass

from application.photos.ports import PhotoIdGenerator, PhotoLedger, PhotoRenderer, PhotoStore
from domain.errors import InvalidInput, InvalidValue, Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePhoto:
    """Render what was uploaded and keep it under a new id, which is then to be claimed for an account.

    The ledger knows the id before the first file is there, so that whatever fails or dies from here on leaves nothing
    that the sweep does not find (F09). Nothing is written for what is no picture.
    """

    renderer: PhotoRenderer
    ledger: PhotoLedger
    store: PhotoStore
    new_photo_id: PhotoIdGenerator

    async def __call__(self, data: bytes) -> str:
        """The new id. Raises InvalidInput at ``photo``, Overloaded, ServiceUnavailable."""
        try:
            renditions = await self.renderer.render(data)
        except InvalidValue as refusal:
            raise InvalidInput(violations=[Violation("photo", refusal.reason, refusal.detail)]) from None
        photo_id = self.new_photo_id()
        await self.ledger.announce(photo_id)
        await self.store.put(photo_id, renditions)
        return photo_id
