"""The event that an account has had too many wrong passwords, written by the statement that refuses the next one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from application.origin import Origin
from application.ports import IdGenerator
from domain.sessions.events import LOG_IN_LIMITED, log_in_limited
from infrastructure.postgres.counters import hit
from infrastructure.postgres.events import COLUMNS as EVENT_COLUMNS
from infrastructure.postgres.limits import RateLimits


def limit_noted(limits: RateLimits, hits: Sequence[str], *, whose: str, user_id: str, first: int) -> str:
    """CTEs behind those of ``hits``: where one refuses, and none was written within the hour, an event (L14).

    Here, because it must cost a sign-in no round trip, and counted like attempts are, so that many refusals at once
    are one event. One that is refused only because the budget of all is used up (the CTE ``strained``) is no news of
    the account. ``whose`` is an expression for its subject, ``user_id`` one for whom it is about, and ``first`` is the
    number of the first of the parameters that :class:`LimitNotices` gives.
    """
    event_id, request_id, ip_address, user_agent, data, told = range(first, first + 6)
    notice = hit(limits.sign_in_notice, subject=whose, where_exists="refused")
    verdicts = " UNION ALL ".join(f"SELECT admitted FROM {name}" for name in hits)
    return f"""
    refused AS (SELECT FROM ({verdicts}) AS v WHERE NOT v.admitted AND NOT (SELECT so FROM strained)),
    notice_hit AS ({notice}),
    noted AS (
        INSERT INTO events ({EVENT_COLUMNS})
        SELECT ${event_id}::uuid, '{LOG_IN_LIMITED}', {user_id}, NULL, ${request_id}::text, ${ip_address}::text::inet,
            ${user_agent}::text, ${data}::jsonb
        FROM notice_hit WHERE admitted
        RETURNING position, user_id
    ),
    told AS (
        INSERT INTO deliveries (subscriber, event_position, user_id)
        SELECT t.name, n.position, n.user_id FROM noted AS n CROSS JOIN unnest(${told}::text[]) AS t (name)
    )
    """


@dataclass(frozen=True, slots=True)
class LimitNotices:
    """What such an event says, and who is told."""

    new_id: IdGenerator
    subscribers: Sequence[str] = ()

    def arguments(self, identifier_digest: str, origin: Origin) -> Sequence[object]:
        """What :func:`limit_noted` takes, in case this attempt is the first to be refused."""
        data = json.dumps({**log_in_limited(None, identifier_digest).data, **origin.attribution}, sort_keys=True)
        request = (origin.request_id, origin.ip_address, origin.user_agent)
        return self.new_id(), *request, data, list(self.subscribers)
