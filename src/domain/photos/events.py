"""What happens to photos. Never with their ids: who knows one can look at the photo (F10)."""

from uuid import UUID

from domain.events import DomainEvent


def photo_set(user_id: UUID, session_id: UUID) -> DomainEvent:
    """Somebody has a photo, or another one."""
    return DomainEvent(type="photo.set", user_id=user_id, session_id=session_id)


def photo_removed(user_id: UUID, session_id: UUID) -> DomainEvent:
    """Somebody has no photo any more."""
    return DomainEvent(type="photo.removed", user_id=user_id, session_id=session_id)
