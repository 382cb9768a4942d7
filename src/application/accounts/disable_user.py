"""Disable an account."""

from dataclasses import dataclass

from application.accounts.find_user import FindUser
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from domain.accounts.events import user_status_changed
from domain.accounts.user import User, UserStatus
from domain.sessions.session import EndReason


@dataclass(frozen=True, slots=True)
class DisableUser:
    """Nobody signs in to the account, and every session of it has ended, from the commit on (A03)."""

    find_user: FindUser
    unit_of_work: UnitOfWorkFactory

    async def __call__(self, identifier: str, origin: Origin) -> User:
        """The account as it is then. Raises UserNotFound, StatusUnchanged when it is disabled, ServiceUnavailable."""
        user = await self.find_user(identifier)
        work = self.unit_of_work(origin)
        work.accounts.set_status(user.id, UserStatus.DISABLED)
        work.record(user_status_changed(user.id, UserStatus.DISABLED))
        # In the same transaction, and behind the lock on the user: a sign-in or refresh that races with it is before
        # it and ends with the others, or after it and is refused.
        work.sessions.end_all_of(user.id, EndReason.ACCOUNT_DISABLED)
        await work.commit()
        return await self.find_user(str(user.id))
