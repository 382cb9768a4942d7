"""Facts that are written down in the same statement as the change that makes them true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """One fact: a dotted type in the past tense, whom and which session it concerns, and what else there is to know.

    ``data`` holds plain JSON values and never a secret or personal data in clear (G02, G05).
    """

    type: str
    user_id: UUID | None = None
    session_id: UUID | None = None
    data: Mapping[str, str] = field(default_factory=dict)
