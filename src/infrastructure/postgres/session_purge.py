"""Deleting sessions that are over.

Every worker of every node does it, a bounded batch a statement. Rows that somebody else holds are passed over, so
several share the work, and no sign-in ever waits for it: it locks only rows that are over, which no statement of a
sign-in touches. Each statement borrows one connection of the pool, and waits its turn for it like a request.
"""

from datetime import timedelta
from uuid import UUID

from infrastructure.postgres.database import Database
from infrastructure.postgres.purges import BATCH, purge_by


def _purge(moment: str) -> str:
    return f"""
    DELETE FROM sessions WHERE id = ANY (ARRAY(
        SELECT id FROM sessions WHERE {moment} < now() - $1::interval
        ORDER BY {moment} LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    ))
    RETURNING id
    """


LOOKED_AT = 5000
IDLE = """
WITH looked_at AS (
    SELECT id FROM sessions WHERE id > $2 ORDER BY id LIMIT $3
), gone AS (
    DELETE FROM sessions WHERE id = ANY (ARRAY(
        SELECT id FROM sessions WHERE id IN (SELECT id FROM looked_at) AND idle_expires_at < now() - $1::interval
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING id
)
SELECT (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM looked_at) AS looked_at,
    (SELECT id FROM looked_at ORDER BY id DESC LIMIT 1) AS last
"""
ENDED = _purge("ended_at")
EXPIRED = _purge("expires_at")


async def purge(database: Database, kept: timedelta) -> int:
    """Delete sessions whose end is longer ago than they are ``kept``; how many there were."""
    return await purge_by(database, ENDED, kept) + await purge_by(database, EXPIRED, kept)


class IdlePurge:
    """Deletes sessions whose idle end is long ago, a stretch of the table at a time, and then from the beginning again.

    They would go at their absolute end, which with `remember` is months away. No index leads to them, for one on the
    idle end would have to be written at every refresh: so all are looked at, in the order of the primary key.
    """

    def __init__(self, looked_at: int = LOOKED_AT) -> None:
        self._looked_at = looked_at
        self._after = UUID(int=0)

    async def __call__(self, database: Database, kept: timedelta) -> int:
        """The next stretch; how many of it are gone."""
        row = await database.fetch_row(IDLE, kept, self._after, self._looked_at)
        assert row is not None  # noqa: S101 - counts are a row
        self._after = row["last"] if row["looked_at"] == self._looked_at else UUID(int=0)
        gone: int = row["gone"]
        return gone
