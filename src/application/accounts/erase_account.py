"""Delete an account, whoever decided it."""

from contextlib import suppress
from dataclasses import dataclass

from application.origin import Origin
from application.photos.discard_photo import DiscardPhoto
from application.ports import UnitOfWork
from domain.accounts.events import user_deleted
from domain.accounts.user import User
from domain.errors import ServiceUnavailable
from domain.sessions.session import EndReason


@dataclass(frozen=True, slots=True)
class EraseAccount:
    """Every session ends, and nothing that is personal stays, in one transaction (A03); the username is nobody's."""

    discard_photo: DiscardPhoto

    async def __call__(self, user: User, work: UnitOfWork) -> None:
        """Commit ``work``, with all that a deletion writes.

        What ``work`` records must not say where its request came from, if that was the user's own.

        Raises UserNotFound when somebody else was faster, ServiceUnavailable, and what is in ``work`` already may.
        """
        self.stage(user, work)
        await work.commit()
        await self.discard_photo_of(user)

    def stage(self, user: User, work: UnitOfWork) -> None:
        """Have ``work`` delete the account, with whatever else it does; the photo's files are the next step."""
        work.sessions.end_all_of(user.id, EndReason.ACCOUNT_DELETED)
        work.photos.release_of(user.id)
        work.accounts.release_username(user)
        work.accounts.remove(user.id)
        work.record(user_deleted(user.id))

    async def discard_photo_of(self, user: User) -> None:
        """The files of an account that is gone."""
        if user.photo_id:
            # The account is gone, whether or not the photo store answers: the sweep deletes what is left.
            with suppress(ServiceUnavailable):
                await self.discard_photo(user.photo_id)


def without_a_trace(origin: Origin) -> Origin:
    """The request's own name, by which the log knows it, and nothing of the person who sent it."""
    return Origin(request_id=origin.request_id)
