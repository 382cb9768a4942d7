"""What happens to accounts."""

from collections.abc import Sequence
from uuid import UUID

from domain.accounts.user import User, UserStatus
from domain.events import DomainEvent


def user_registered(user: User) -> DomainEvent:
    """An account came to be."""
    return DomainEvent(type="user.registered", user_id=user.id)


def user_status_changed(user_id: UUID, status: UserStatus) -> DomainEvent:
    """An operator disabled the account, or enabled it again."""
    types = {UserStatus.DISABLED: "user.disabled", UserStatus.ACTIVE: "user.enabled"}
    return DomainEvent(type=types[status], user_id=user_id)


def profile_changed(user_id: UUID, session_id: UUID, fields: Sequence[str]) -> DomainEvent:
    """A user changed these fields of their account; to what is personal data, and not told (G05)."""
    data = {"fields": ",".join(fields)}
    return DomainEvent(type="user.profile_changed", user_id=user_id, session_id=session_id, data=data)


def account_exported(user_id: UUID, session_id: UUID) -> DomainEvent:
    """A user, or whoever has their session, read all that is held on them."""
    return DomainEvent(type="user.exported", user_id=user_id, session_id=session_id)


def user_deleted(user_id: UUID) -> DomainEvent:
    """An account ceased to be."""
    return DomainEvent(type="user.deleted", user_id=user_id)
