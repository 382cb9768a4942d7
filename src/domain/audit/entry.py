"""What an event becomes in the audit log: what may be read for ever, and what is sealed because it is personal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.events import RecordedEvent

VERSION = 1

PLAIN_DATA = frozenset(
    {
        "actor", "amr", "change_id", "delivery", "entries", "event", "fields", "key", "outcome", "purpose", "reason",
        "rule", "subscriber", "successor_of", "users", "what",
    }
)  # fmt: skip
"""Names in an event's data that say nothing of a person but, as ``actor`` does, of an operator on duty.

Whatever is not on this list is sealed: an event that is thought of later says nothing in clear by mistake.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``text`` is hashed and signed as it stands; ``personal`` is still in clear, empty where nothing is personal."""

    text: str
    personal: bytes


def canonical(value: Mapping[str, Any]) -> str:
    """The one spelling of a JSON object of strings, whole numbers, and lists and objects of them (RFC 8785).

    Names are ASCII, so that the order by code points which Python has is the order by UTF-16 units which that asks for.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def timestamp(time: datetime) -> str:
    """RFC 3339 in UTC with six digits, always, so that times sort as texts do."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def month_of(time: datetime) -> str:
    """Whose key seals what is personal in events that no user is named in: it ends with the month's retention."""
    return f"{time.astimezone(UTC):%Y-%m}"


def entry_of(event: RecordedEvent, owner: str | None) -> Entry:
    """The event as an entry that ``owner``'s key seals: a user's id or a month; ``None`` for a user who is erased.

    Of somebody who is erased nothing personal is taken over, whatever the event has: it may have come too late to be
    stripped with the account.
    """
    plain = {name: value for name, value in event.data.items() if name in PLAIN_DATA}
    personal = {} if owner is None else _personal_of(event)
    fields = {
        "v": VERSION,
        "event": str(event.id),
        "type": event.type,
        "at": timestamp(event.occurred_at),
        "user": _text(event.user_id),
        "session": _text(event.session_id),
        "request": event.request_id,
        "data": plain or None,
        "key": owner if personal else None,
    }
    said = {name: value for name, value in fields.items() if value is not None}
    return Entry(text=canonical(said), personal=canonical(personal).encode() if personal else b"")


def _personal_of(event: RecordedEvent) -> dict[str, Any]:
    data = {name: value for name, value in event.data.items() if name not in PLAIN_DATA}
    fields = {"ip": event.ip_address, "user_agent": event.user_agent, "data": data or None}
    return {name: value for name, value in fields.items() if value is not None}


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
