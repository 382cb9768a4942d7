"""Enable an account again."""

from dataclasses import dataclass

from application.accounts.find_user import FindUser
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from domain.accounts.events import user_status_changed
from domain.accounts.user import User, UserStatus
from domain.sessions.session import EndReason


@dataclass(frozen=True, slots=True)
class EnableUser:
    """The owner can sign in again. Sessions from before stay ended."""

    find_user: FindUser
    unit_of_work: UnitOfWorkFactory

    async def __call__(self, identifier: str, origin: Origin) -> User:
        """The account as it is then. Raises UserNotFound, StatusUnchanged when it is active, ServiceUnavailable."""
        user = await self.find_user(identifier)
        work = self.unit_of_work(origin)
        work.accounts.set_status(user.id, UserStatus.ACTIVE)
        work.record(user_status_changed(user.id, UserStatus.ACTIVE))
        # Those of an account whose status was set in the database by hand were refused, but never ended: without this
        # they would live again, whoever holds their tokens.
        work.sessions.end_all_of(user.id, EndReason.ACCOUNT_DISABLED)
        await work.commit()
        return await self.find_user(str(user.id))
