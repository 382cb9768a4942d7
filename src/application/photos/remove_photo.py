"""Take one's photo away."""

from contextlib import suppress
from dataclasses import dataclass

from application.origin import Origin
from application.photos.discard_photo import DiscardPhoto
from application.ports import UnitOfWorkFactory
from application.sessions.ports import Caller, SessionRepository
from domain.errors import ServiceUnavailable
from domain.photos.events import photo_removed
from domain.sessions.errors import InvalidAccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePhoto:
    """Leave the caller without a photo; its address is dead from the acknowledgement on."""

    sessions: SessionRepository
    unit_of_work: UnitOfWorkFactory
    discard_photo: DiscardPhoto

    async def __call__(self, caller: Caller, origin: Origin) -> None:
        """Also without a photo. Raises InvalidAccessToken, ServiceUnavailable."""
        live = await self.sessions.live(caller)
        if live is None:
            raise InvalidAccessToken
        if live.user.photo_id is None:
            return
        work = self.unit_of_work(origin)
        work.photos.replace(caller, None)
        work.record(photo_removed(caller.user_id, caller.session_id))
        await work.commit()
        # A photo store that is away keeps nobody from taking their photo back: the sweep deletes what is left.
        with suppress(ServiceUnavailable):
            await self.discard_photo(live.user.photo_id)
