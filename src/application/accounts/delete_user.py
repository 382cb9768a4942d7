"""Delete somebody else's account."""

from dataclasses import dataclass

from application.accounts.erase_account import EraseAccount
from application.accounts.find_user import FindUser
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from domain.accounts.user import User


@dataclass(frozen=True, slots=True)
class DeleteUser:
    """For good and at once, as if its owner did it."""

    find_user: FindUser
    unit_of_work: UnitOfWorkFactory
    erase_account: EraseAccount

    async def __call__(self, identifier: str, origin: Origin) -> User:
        """The account as it was. Raises UserNotFound, ServiceUnavailable."""
        user = await self.find_user(identifier)
        await self.erase_account(user, self.unit_of_work(origin))
        return user
