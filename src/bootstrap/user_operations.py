"""What ``crm-auth users`` does: use cases, on the server's database or on the embedded one."""

# ruff: noqa: PLC0415 - everything heavy is imported where it is used, see bootstrap.operations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from application.accounts.list_users import ListUsers
from application.accounts.registration import Registration
from application.recovery.start_password_reset import StartPasswordReset
from bootstrap.on_the_service import on_the_service
from bootstrap.operator import operator_origin
from domain.accounts.user import User
from domain.sessions.session import Session
from interfaces.cli.operations import Listing, ResetLink

if TYPE_CHECKING:
    from bootstrap.container import Container

PAGE = 500
"""Accounts held in memory at once while all are listed."""


class ServiceUsers:
    """Implements :class:`interfaces.cli.operations.UserOperations`."""

    def public_url(self) -> str:
        """Where clients reach the service."""
        from bootstrap.operations import settings_of_environment

        return settings_of_environment().public_url

    def create(self, registration: Registration) -> User:
        """Register a user as the operator does it."""
        from bootstrap.container import for_operator

        return on_the_service(lambda container: for_operator(container)(registration, operator_origin()))

    def find(self, identifier: str) -> User:
        """The account."""
        user: User = on_the_service(lambda container: container.use_cases.find_user()(identifier))
        return user

    def list(self, listing: Listing, show: Callable[[Sequence[User]], None]) -> UUID | None:
        """Show the accounts page by page."""

        async def pages(container: "Container") -> UUID | None:
            list_users: ListUsers = container.use_cases.list_users()
            after = listing.after
            while True:
                page = await list_users(listing.query, after=after, limit=listing.limit or PAGE)
                show(page.users)
                after = page.next
                if after is None or listing.limit is not None:
                    return after

        return on_the_service(pages)

    def disable(self, identifier: str) -> User:
        """Keep its owner out, and end its sessions."""
        user: User = on_the_service(lambda container: container.use_cases.disable_user()(identifier, operator_origin()))
        return user

    def enable(self, identifier: str) -> User:
        """Let its owner in again."""
        user: User = on_the_service(lambda container: container.use_cases.enable_user()(identifier, operator_origin()))
        return user

    def delete(self, identifier: str) -> User:
        """Delete the account for good."""
        user: User = on_the_service(lambda container: container.use_cases.delete_user()(identifier, operator_origin()))
        return user

    def start_password_reset(self, identifier: str) -> ResetLink:
        """A link for its owner."""

        async def start(container: "Container") -> ResetLink:
            user: User = await container.use_cases.find_user()(identifier)
            start_password_reset: StartPasswordReset = container.use_cases.start_password_reset()
            now: datetime = container.adapters.clock().now()
            link = await start_password_reset(user.id, operator_origin())
            return ResetLink(user=user, url=link.url, expires_at=now + link.lifetime)

        return on_the_service(start)


class ServiceSessions:
    """Implements :class:`interfaces.cli.operations.SessionOperations`."""

    def of(self, identifier: str) -> Sequence[Session]:
        """Those that are live."""
        sessions: Sequence[Session] = on_the_service(
            lambda container: container.use_cases.list_sessions_of_user()(identifier)
        )
        return sessions

    def end(self, identifier: str, session_id: UUID | None) -> User:
        """End one, or all."""
        user: User = on_the_service(
            lambda container: container.use_cases.end_sessions_of_user()(identifier, session_id, operator_origin())
        )
        return user
