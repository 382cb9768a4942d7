"""What happens to sessions."""

from dataclasses import replace
from uuid import UUID

from domain.events import DomainEvent
from domain.sessions.session import EndReason, Session


def session_started(session: Session) -> DomainEvent:
    """Somebody signed in."""
    methods = " ".join(session.authentication.methods)
    return DomainEvent(type="session.started", user_id=session.user_id, session_id=session.id, data={"amr": methods})


def session_renewed(session: Session, reason: EndReason) -> DomainEvent:
    """Whoever was in a session goes on in this one, because the other had to end for that reason."""
    started = session_started(session)
    return replace(started, data={**started.data, "reason": reason.value})


def session_ended(session_id: UUID, user_id: UUID, reason: EndReason) -> DomainEvent:
    """A session was ended before its time."""
    return DomainEvent(type="session.ended", user_id=user_id, session_id=session_id, data={"reason": reason.value})


def ended_topics(reason: EndReason) -> tuple[str, ...]:
    """What one may ask to be told of when a session ends for that reason."""
    return ("session.ended", f"session.ended/{reason.value}")


def log_in_failed(user_id: UUID | None, identifier_digest: str) -> DomainEvent:
    """A sign-in was refused. What was typed may be a password, so only a keyed digest of it is kept (G05)."""
    return DomainEvent(type="log_in.failed", user_id=user_id, data={"identifier_digest": identifier_digest})


LOG_IN_LIMITED = "log_in.limited"
"""The first sign-in within an hour that was refused because an account has had too many wrong passwords.

With a user or, for an account that there is not, without: both are written down, for doing so takes time (L02).
"""


def log_in_limited(user_id: UUID | None, identifier_digest: str) -> DomainEvent:
    """See LOG_IN_LIMITED; the digest is that of a sign-in that failed."""
    return DomainEvent(type=LOG_IN_LIMITED, user_id=user_id, data={"identifier_digest": identifier_digest})
