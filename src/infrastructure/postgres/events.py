"""The record of what happened, written with the change that made it true."""

import json
from uuid import UUID

from application.origin import Origin
from domain.events import DomainEvent
from infrastructure.postgres.writes import Write

COLUMNS = "id, type, user_id, session_id, request_id, ip_address, user_agent, data"

_RECORD = f"""
INSERT INTO events ({COLUMNS})
VALUES ($1::uuid, $2::text, $3::uuid, $4::uuid, $5::text, $6::text::inet, $7::text, $8::jsonb)
RETURNING id
"""


def recorded(event_id: UUID, event: DomainEvent, origin: Origin) -> Write:
    """The event as a row."""
    data = json.dumps(dict(event.data), sort_keys=True)
    request = (origin.request_id, origin.ip_address, origin.user_agent)
    return Write(statement=_RECORD, arguments=(event_id, event.type, event.user_id, event.session_id, *request, data))
