"""Why sessions ended lately, for those who watch it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.sessions.session import EndReason
from infrastructure.postgres.database import Database

_ENDS = """
SELECT end_reason, count(*) AS ended FROM sessions
WHERE ended_at IS NOT NULL AND ended_at > now() - interval '1 hour' GROUP BY end_reason
"""


@dataclass(slots=True)
class PostgresSessionEnds:
    """As it was when it was last looked at: who watches it is told without a look at the database (D07)."""

    database: Database
    _ended: Mapping[str, int] = field(default_factory=dict)

    async def look(self) -> None:
        """Raises ServiceUnavailable."""
        self._ended = {row["end_reason"]: row["ended"] for row in await self.database.fetch(_ENDS)}

    def count(self, reason: EndReason) -> int:
        """Of the last hour; of a database that keeps ended sessions for less, of what it keeps."""
        return self._ended.get(reason.value, 0)
