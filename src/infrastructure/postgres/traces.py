"""What is written about an account after its deletion, by requests that were under way when it was deleted.

A sign-in that is being judged, or a log-out that holds its session, records its event when it is done. The deletion
has seen the events of before, and cannot see those. Waiting for them would have every refusal lock a user.
"""

from infrastructure.postgres.database import Database

_LATEST = 50_000
"""Events that are looked through for deletions, by the primary key: many times what happens between two rounds."""

_REMOVE = f"""
WITH gone AS (
    SELECT user_id FROM events
    WHERE position > (SELECT max(position) FROM events) - {_LATEST} AND type = 'user.deleted'
)
UPDATE events AS e SET ip_address = NULL, user_agent = NULL, data = e.data - 'identifier_digest'
FROM gone
WHERE e.user_id = gone.user_id AND e.user_id IS NOT NULL
    AND (e.ip_address IS NOT NULL OR e.user_agent IS NOT NULL OR e.data ? 'identifier_digest')
RETURNING e.id
"""


async def remove(database: Database) -> None:
    """Take out of the latest events what is personal of accounts that were deleted lately."""
    await database.fetch(_REMOVE)
