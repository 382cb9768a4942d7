"""List accounts, or search among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.accounts.ports import UserDirectory, UserQuery
from domain.accounts.user import User


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPage:
    """Accounts, newest first; ``next`` is what to go on after, ``None`` on the last page."""

    users: Sequence[User]
    next: UUID | None


@dataclass(frozen=True, slots=True)
class ListUsers:
    """A page of the accounts that a query matches."""

    directory: UserDirectory

    async def __call__(self, query: UserQuery, *, after: UUID | None, limit: int) -> UserPage:
        """Raises ServiceUnavailable."""
        found: list[User] = []
        # One more than asked for tells whether there is another page.
        while len(found) <= limit:
            scan = await self.directory.scan(query, after=after, limit=limit + 1 - len(found))
            found += scan.users
            after = scan.next
            if after is None:
                break
        page = found[:limit]
        return UserPage(users=page, next=page[-1].id if len(found) > limit else None)
