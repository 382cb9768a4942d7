"""What happens to accounts."""

from domain.accounts.user import User
from domain.events import DomainEvent


def user_registered(user: User) -> DomainEvent:
    """An account came to be."""
    return DomainEvent(type="user.registered", user_id=user.id)
