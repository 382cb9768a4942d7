"""What happens to credentials."""

from uuid import UUID

from domain.events import DomainEvent


def password_changed(user_id: UUID, session_id: UUID) -> DomainEvent:
    """Its owner changed the password, in that session."""
    return DomainEvent(type="password.changed", user_id=user_id, session_id=session_id)


def reauthentication_failed(user_id: UUID, session_id: UUID) -> DomainEvent:
    """Whoever holds the session did not know the password."""
    return DomainEvent(type="reauthentication.failed", user_id=user_id, session_id=session_id)
