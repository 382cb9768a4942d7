"""Give oneself a photo, or another one."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from application.origin import Origin
from application.photos.discard_photo import DiscardPhoto
from application.photos.store_photo import StorePhoto
from application.ports import UnitOfWorkFactory
from application.sessions.ports import Caller, LiveSession, SessionRepository
from domain.accounts.user import User
from domain.errors import ServiceUnavailable
from domain.photos.events import photo_set
from domain.sessions.errors import InvalidAccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPhoto:
    """Make a photo of what was uploaded, make it the caller's, and delete the one they had."""

    sessions: SessionRepository
    store_photo: StorePhoto
    unit_of_work: UnitOfWorkFactory
    discard_photo: DiscardPhoto

    async def __call__(self, caller: Caller, read: Callable[[], Awaitable[bytes]], origin: Origin) -> User:
        """The account as it is then. ``read`` gives what is uploaded, and may refuse it.

        Raises InvalidAccessToken, InvalidInput at ``photo``, Overloaded, ServiceUnavailable; a photo store that is
        away is the last of them.
        """
        # Before anything is received, let alone decoded: a session that has ended is to cost next to nothing (D01).
        before = await self._live(caller)
        photo_id = await self.store_photo(await read())
        work = self.unit_of_work(origin)
        work.photos.claim(photo_id)
        work.photos.replace(caller, photo_id)
        work.record(photo_set(caller.user_id, caller.session_id))
        await work.commit()
        if before.user.photo_id:
            # It has no owner and never will have one again. What cannot be deleted now is left to the sweep.
            with suppress(ServiceUnavailable):
                await self.discard_photo(before.user.photo_id)
        return (await self._live(caller)).user

    async def _live(self, caller: Caller) -> LiveSession:
        live = await self.sessions.live(caller)
        if live is None:
            raise InvalidAccessToken
        return live
