"""Erasures in PostgreSQL that are done once more."""

from dataclasses import dataclass
from uuid import UUID

from infrastructure.postgres.database import Database

# Each part only where there is something left, so that a second time changes nothing.
_REPEAT = """
WITH destroyed AS (
    DELETE FROM audit_keys WHERE owner = $1::uuid::text RETURNING owner
), stripped AS (
    UPDATE events SET ip_address = NULL, user_agent = NULL, data = data - 'identifier_digest'
    WHERE (user_id = $1::uuid OR (type = 'sign_up.requested' AND data ->> 'sign_up_id' = $1::uuid::text))
        AND (ip_address IS NOT NULL OR user_agent IS NOT NULL OR data ? 'identifier_digest')
    RETURNING id
), noted AS (
    INSERT INTO audit_erasures (user_id) VALUES ($1::uuid) ON CONFLICT (user_id) DO NOTHING RETURNING user_id
)
SELECT EXISTS (SELECT FROM destroyed) OR EXISTS (SELECT FROM stripped) OR EXISTS (SELECT FROM noted) AS was_there
"""


@dataclass(frozen=True, slots=True)
class PostgresErasures:
    """One statement for each user."""

    database: Database

    async def repeat(self, user_id: UUID) -> bool:
        """See the port."""
        row = await self.database.fetch_row(_REPEAT, user_id)
        return bool(row and row["was_there"])
