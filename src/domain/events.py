"""Facts that are written down in the same statement as the change that makes them true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


def topics_of(event_type: str, data: Mapping[str, str]) -> tuple[str, ...]:
    """The type, and the type with its reason, if there is one."""
    reason = data.get("reason")
    return (event_type,) if reason is None else (event_type, f"{event_type}/{reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """One fact: a dotted type in the past tense, whom and which session it concerns, and what else there is to know.

    ``data`` holds plain JSON values and never a secret or personal data in clear (G02, G05).
    """

    type: str
    user_id: UUID | None = None
    session_id: UUID | None = None
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        """What one may ask to be told of: its type, and its type with its reason, if it has one."""
        return topics_of(self.type, self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as it was written down: when, under which id, and what is known of the request it came from."""

    id: UUID
    type: str
    occurred_at: datetime
    user_id: UUID | None
    session_id: UUID | None
    ip_address: str | None
    user_agent: str | None
    request_id: str | None
    data: Mapping[str, str]

    @property
    def topics(self) -> tuple[str, ...]:
        """What one may have asked to be told of it by."""
        return topics_of(self.type, self.data)
