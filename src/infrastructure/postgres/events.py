"""The record of what happened, written with the change that made it true."""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from application.origin import Origin
from application.outbox.ports import Subscriptions
from domain.events import DomainEvent
from infrastructure.postgres.counters import hit
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.writes import Write

NEW_ID = """
encode(set_bit(set_bit(overlay(
    uuid_send(gen_random_uuid())
    PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1
), 52, 1), 53, 1), 'hex')::uuid
"""
"""A UUIDv7 (RFC 9562 5.7) where a statement finds out itself how many; before PostgreSQL 18 none is built in."""
COLUMNS = "id, type, user_id, session_id, request_id, ip_address, user_agent, data"

_RECORD = f"""
INSERT INTO events ({COLUMNS})
VALUES ($1::uuid, $2::text, $3::uuid, $4::uuid, $5::text, $6::text::inet, $7::text, $8::jsonb)
RETURNING position, user_id
"""

DELIVER = """
INSERT INTO deliveries (subscriber, event_position, user_id)
SELECT s.name, recorded.position, recorded.user_id
FROM previous AS recorded CROSS JOIN unnest($1::text[]) AS s (name)
RETURNING id
"""

_NOTE = f"""
INSERT INTO events ({COLUMNS})
SELECT $1::uuid, $2::text, $3::uuid, $4::uuid, $5::text, $6::text::inet, $7::text, $8::jsonb
FROM previous AS counted WHERE counted.admitted
RETURNING position, user_id
"""

CHANNEL = "crm_auth_deliveries"
"""Notified soon after every delivery, so that nobody has to look for them all the time."""


def recorded(event_id: UUID, event: DomainEvent, origin: Origin, subscriptions: Subscriptions) -> Sequence[Write]:
    """The event as a row, and a delivery for each of its subscribers."""
    recording = Write(statement=_RECORD, arguments=_arguments(event_id, event, origin))
    return [recording, *delivered_to(subscribers_of(event.topics, subscriptions))]


def noted(event_id: UUID, event: DomainEvent, origin: Origin, limits: RateLimits) -> Sequence[Write]:
    """The event as a row, unless there have been too many from its source; all that has none counts as one source."""
    subject = limits.source_subject(origin) or limits.text_subject("no source")
    arguments = _arguments(event_id, event, origin)
    if subject is None:
        return [Write(statement=_RECORD, arguments=arguments)]
    counting = Write(statement=hit(limits.refusal_notice, subject="$1::bytea"), arguments=(subject,))
    return [counting, Write(statement=_NOTE, arguments=arguments)]


def _arguments(event_id: UUID, event: DomainEvent, origin: Origin) -> tuple[object, ...]:
    data = json.dumps({**event.data, **origin.attribution}, sort_keys=True)
    request = (origin.request_id, origin.ip_address, origin.user_agent)
    return (event_id, event.type, event.user_id, event.session_id, *request, data)


def delivered_to(subscribers: Sequence[str]) -> Sequence[Write]:
    """Deliveries of what the write before gives as ``position`` and ``user_id``."""
    return [Write(statement=DELIVER, arguments=(subscribers,))] if subscribers else []


def subscribers_of(topics: Iterable[str], subscriptions: Subscriptions) -> Sequence[str]:
    """Each of them once."""
    return list(dict.fromkeys(name for topic in topics for name in subscriptions.get(topic, ())))
