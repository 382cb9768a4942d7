"""What happens to sessions."""

from uuid import UUID

from domain.events import DomainEvent
from domain.sessions.session import EndReason, Session


def session_started(session: Session) -> DomainEvent:
    """Somebody signed in."""
    methods = " ".join(session.authentication.methods)
    return DomainEvent(type="session.started", user_id=session.user_id, session_id=session.id, data={"amr": methods})


def session_ended(session_id: UUID, user_id: UUID, reason: EndReason) -> DomainEvent:
    """A session was ended before its time."""
    return DomainEvent(type="session.ended", user_id=user_id, session_id=session_id, data={"reason": reason.value})


def log_in_failed(user_id: UUID | None, identifier_digest: str) -> DomainEvent:
    """A sign-in was refused. What was typed may be a password, so only a keyed digest of it is kept (G05)."""
    return DomainEvent(type="log_in.failed", user_id=user_id, data={"identifier_digest": identifier_digest})
