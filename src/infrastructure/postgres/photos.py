"""Whose photo is whose, and the ledger of those that are nobody's, in PostgreSQL. The pictures are elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.sessions.ports import Caller
from domain.errors import ServiceUnavailable
from domain.photos.photo import CLAIM_WINDOW
from domain.sessions.errors import InvalidAccessToken
from infrastructure.postgres.database import Database
from infrastructure.postgres.sessions import IS_LIVE
from infrastructure.postgres.writes import Write

_ANNOUNCE = "INSERT INTO unowned_photos (id) VALUES ($1)"
_IS_OWNED = "SELECT FROM users WHERE photo_id = $1"
_UNOWNED = "SELECT id FROM unowned_photos WHERE since < now() - $1::interval ORDER BY since LIMIT $2"
_FORGET = "DELETE FROM unowned_photos WHERE id = $1"

_CLAIM = "DELETE FROM unowned_photos WHERE id = $1::text AND since > now() - $2::interval RETURNING id"

# The inner SELECT waits for whoever is changing the account or the session and then sees what they left, so that of
# two uploads at once each releases what it really replaced, and none is set after an acknowledged log-out. The user
# before the session: in that order whatever ends sessions locks them.
_REPLACE = f"""
UPDATE users AS changed SET photo_id = $3::text, updated_at = now()
FROM (
    SELECT u.id, u.photo_id FROM users AS u JOIN sessions AS s ON s.user_id = u.id
    WHERE s.id = $1::uuid AND s.user_id = $2::uuid AND {IS_LIVE}
    FOR NO KEY UPDATE OF u FOR SHARE OF s
) AS replaced
WHERE changed.id = replaced.id
RETURNING replaced.photo_id AS id
"""

_RELEASE_PREVIOUS = """
INSERT INTO unowned_photos (id) SELECT previous.id FROM previous WHERE previous.id IS NOT NULL
ON CONFLICT (id) DO UPDATE SET since = now()
RETURNING id
"""

_RELEASE_OF = """
INSERT INTO unowned_photos (id) SELECT photo_id FROM users WHERE id = $1::uuid AND photo_id IS NOT NULL
ON CONFLICT (id) DO UPDATE SET since = now()
RETURNING id
"""


def _not_claimed() -> ServiceUnavailable:
    return ServiceUnavailable("The photo took too long to be stored.")


@dataclass(frozen=True, slots=True)
class PostgresPhotoLedger:
    """The photos without an owner, one statement a question."""

    database: Database

    async def announce(self, photo_id: str) -> None:
        """See the port."""
        await self.database.fetch(_ANNOUNCE, photo_id)

    async def is_owned(self, photo_id: str) -> bool:
        """See the port."""
        return await self.database.fetch_row(_IS_OWNED, photo_id) is not None

    async def unowned(self, *, for_longer_than: timedelta, at_most: int) -> Sequence[str]:
        """See the port."""
        return [row["id"] for row in await self.database.fetch(_UNOWNED, for_longer_than, at_most)]

    async def forget(self, photo_id: str) -> None:
        """See the port."""
        await self.database.fetch(_FORGET, photo_id)


@dataclass(frozen=True, slots=True)
class PostgresPhotoWriter:
    """Stages writes of photos."""

    stage: Callable[[Write], None]

    def claim(self, photo_id: str) -> None:
        """Off the ledger, within the window."""
        self.stage(Write(statement=_CLAIM, arguments=(photo_id, CLAIM_WINDOW), unless_written=_not_claimed))

    def replace(self, caller: Caller, photo_id: str | None) -> None:
        """The caller's photo, if their session is live; what they had goes onto the ledger."""
        arguments = (caller.session_id, caller.user_id, photo_id)
        self.stage(Write(statement=_REPLACE, arguments=arguments, unless_written=InvalidAccessToken))
        self.stage(Write(statement=_RELEASE_PREVIOUS, arguments=()))

    def release_of(self, user_id: UUID) -> None:
        """The user's photo onto the ledger; the account's row goes in the same statement."""
        self.stage(Write(statement=_RELEASE_OF, arguments=(user_id,)))
