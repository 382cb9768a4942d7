"""How much the outbox holds, for those who watch it."""

from dataclasses import dataclass, field
from time import monotonic

from infrastructure.postgres.database import Database

# What was put off, and did not fail, is not late before its time: strangers could raise the alarm by that.
BACKLOG = """
SELECT count(*) FILTER (WHERE parked_at IS NULL) AS waiting, count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked,
    greatest(extract(epoch FROM now() - min(
        CASE WHEN attempts > 0 AND last_error IS NULL THEN greatest(created_at, due_at) ELSE created_at END
    ) FILTER (WHERE parked_at IS NULL)), 0)::float8 AS oldest
FROM deliveries
"""


@dataclass(slots=True)
class PostgresOutboxBacklog:
    """As it was when it was last looked at: who watches it is told without a look at the database (D07)."""

    database: Database
    waiting: int = 0
    parked: int = 0
    _oldest: float = 0.0
    _seen_at: float = field(default_factory=monotonic)

    async def look(self) -> None:
        """Raises ServiceUnavailable."""
        row = await self.database.fetch_row(BACKLOG)
        assert row is not None  # noqa: S101 - an aggregate without groups has a row
        self.waiting, self.parked, self._oldest = row["waiting"], row["parked"], row["oldest"]
        self._seen_at = monotonic()

    @property
    def oldest_seconds(self) -> float:
        """The age of the delivery that waits longest; it ages also while the database cannot be asked."""
        return self._oldest + monotonic() - self._seen_at if self.waiting else 0.0
