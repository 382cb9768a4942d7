"""How far the audit log is behind, for those who watch it."""

from dataclasses import dataclass, field
from time import monotonic

from infrastructure.postgres.database import Database

MOST_COUNTED = 10_000

# In seconds. Which events wait is read in their order: the oldest has the lowest position.
LAG = f"""
SELECT (SELECT count(*) FROM (SELECT FROM audit_queue LIMIT {MOST_COUNTED}) AS q) AS unsealed,
    coalesce(extract(epoch FROM now() - (
        SELECT e.occurred_at FROM audit_queue AS q JOIN events AS e ON e.position = q.position
        ORDER BY q.position LIMIT 1
    )), 0)::float8 AS oldest,
    (SELECT count(*) FROM (SELECT FROM audit_heads WHERE written_at IS NULL LIMIT {MOST_COUNTED}) AS h) AS unwritten
"""


@dataclass(slots=True)
class PostgresAuditBacklog:
    """As it was when it was last looked at: who watches it is told without a look at the database (D07)."""

    database: Database
    unsealed: int = 0
    """Events that have no place in the chain yet; counted up to ``MOST_COUNTED``."""
    unwritten: int = 0
    """Heads that have not been written off the host; counted as far."""
    _oldest: float = 0.0
    _seen_at: float = field(default_factory=monotonic)

    async def look(self) -> None:
        """Raises ServiceUnavailable."""
        row = await self.database.fetch_row(LAG)
        assert row is not None  # noqa: S101 - a SELECT without a table has a row
        self.unsealed, self._oldest, self.unwritten = row["unsealed"], row["oldest"], row["unwritten"]
        self._seen_at = monotonic()

    @property
    def oldest_seconds(self) -> float:
        """Since when the oldest event waits to be sealed; it ages also while the database cannot be asked."""
        return self._oldest + monotonic() - self._seen_at if self.unsealed else 0.0
