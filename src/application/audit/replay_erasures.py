"""Erase again whom a restored backup brought back."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.accounts.erase_account import EraseAccount
from application.accounts.ports import Registrations
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from domain.accounts.errors import UserNotFound
from domain.audit.events import erasures_replayed


class Erasures(Protocol):
    """What is left of users whose account is gone."""

    async def repeat(self, user_id: UUID) -> bool:
        """Destroy the key of the user's entries, strip their events, and note it; whether there was anything to do.

        Raises ServiceUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayErasures:
    """Accounts that are there again are deleted, as their owners wanted it; keys and traces of all of them go."""

    users: Registrations
    erasures: Erasures
    erase_account: EraseAccount
    unit_of_work: UnitOfWorkFactory

    async def __call__(self, erased: Iterable[UUID], origin: Origin) -> int:
        """How many had come back, in part or whole. May be done again. Raises ServiceUnavailable."""
        came_back = 0
        for user_id in dict.fromkeys(erased):
            came_back += await self._erase(user_id, origin)
        work = self.unit_of_work(origin)
        work.record(erasures_replayed(came_back))
        await work.commit()
        return came_back

    async def _erase(self, user_id: UUID, origin: Origin) -> bool:
        user = await self.users.by_id(user_id)
        if user is None:
            return await self.erasures.repeat(user_id)
        try:
            await self.erase_account(user, self.unit_of_work(origin))
        except UserNotFound:
            # Somebody else was faster.
            return await self.erasures.repeat(user_id)
        return True
