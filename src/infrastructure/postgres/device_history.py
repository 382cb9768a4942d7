"""From where people have signed in, in PostgreSQL."""

from dataclasses import dataclass
from uuid import UUID

from application.notices.ports import Sighting
from infrastructure.postgres.database import Database

# Ids sort by time: what has a smaller one was there before, also when this is asked days later. That somebody has
# signed in before is in the record of events for longer than their sessions are kept.
_SIGHTING = """
SELECT s.device, host(s.ip_address) AS ip_address,
    EXISTS (
        SELECT FROM events AS e
        WHERE e.user_id = s.user_id AND e.type = 'session.started' AND e.session_id < s.id
    ) AND NOT EXISTS (
        SELECT FROM sessions AS earlier
        WHERE earlier.user_id = s.user_id AND earlier.id < s.id
            AND coalesce(earlier.device, earlier.user_agent) IS NOT DISTINCT FROM coalesce(s.device, s.user_agent)
            AND network(set_masklen(earlier.ip_address, CASE family(earlier.ip_address) WHEN 4 THEN 16 ELSE 32 END))
                IS NOT DISTINCT FROM
                network(set_masklen(s.ip_address, CASE family(s.ip_address) WHEN 4 THEN 16 ELSE 32 END))
    ) AS is_news
FROM sessions AS s WHERE s.id = $1::uuid
"""


@dataclass(frozen=True, slots=True)
class PostgresDeviceHistory:
    """Sessions and events as they are kept, one statement a question."""

    database: Database

    async def sighting(self, session_id: UUID) -> Sighting | None:
        """See the port."""
        row = await self.database.fetch_row(_SIGHTING, session_id)
        if row is None:
            return None
        return Sighting(device=row["device"], ip_address=row["ip_address"], is_news=row["is_news"])
