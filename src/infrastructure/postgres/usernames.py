"""Usernames that stay reserved: a row for each that somebody has or had, by a keyed digest.

The unique key of the digest is what makes it safe. Whoever takes a name, at sign-up or by a change, adds its row, and
a name that is given up keeps it. Of two who take one name at once the second waits for the first and then runs into
the row, whichever snapshot its statement has; a look at the rows, however late, could be a look too early.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from domain.accounts.errors import UsernameTaken
from domain.accounts.identifiers import Username
from domain.accounts.profile_change import (
    MAX_USERNAME_CHANGES,
    USERNAME_CHANGES_PERIOD,
    next_username_change,
    username_changed_too_often,
)
from domain.errors import ServiceUnavailable
from infrastructure.postgres.database import Database
from infrastructure.postgres.writes import Write

RECENT_CHANGES = f"""
SELECT change FROM unnest(u.username_changed_at) AS change
WHERE change > now() - interval '{USERNAME_CHANGES_PERIOD.total_seconds()} seconds' ORDER BY change
"""
"""Of a row ``u`` of the users, the newest last."""

_RESERVE = "INSERT INTO reserved_usernames (digest, user_id) VALUES ($1::bytea, $2::uuid) RETURNING digest"

# The lock is the user's own: of their changes at once each waits for the one before, and sees it counted here.
_ADMIT = f"""
SELECT u.id FROM users AS u
WHERE u.id = $1::uuid
    AND (u.username_canonical = $2::text OR cardinality(ARRAY({RECENT_CHANGES})) < {MAX_USERNAME_CHANGES})
FOR NO KEY UPDATE
"""

_HAS_RESERVED = "SELECT digest FROM reserved_usernames WHERE user_id = $1::uuid LIMIT 1"

_RESERVE_AGAIN = """
INSERT INTO reserved_usernames AS r (digest, user_id) VALUES ($1::bytea, $2::uuid)
ON CONFLICT (digest) DO UPDATE SET user_id = excluded.user_id WHERE r.user_id = excluded.user_id
RETURNING digest
"""

# Who has the name is beyond doubt: the row of another is one that version 0.1 knew nothing of.
_RESERVE_CURRENT = """
INSERT INTO reserved_usernames (digest, user_id)
SELECT $1::bytea, u.id FROM users AS u WHERE u.id = $2::uuid AND u.username_canonical = $3::text
ON CONFLICT (digest) DO UPDATE SET user_id = excluded.user_id
"""

# Also where there is no row: version 0.1 made accounts without one.
_RELEASE = """
INSERT INTO reserved_usernames (digest, user_id) VALUES ($1::bytea, NULL)
ON CONFLICT (digest) DO UPDATE SET user_id = NULL
RETURNING digest
"""


def is_reserved(digest: str) -> str:
    """The condition that somebody has or had the name; ``digest`` is the parameter with its digest."""
    return f"EXISTS (SELECT FROM reserved_usernames WHERE digest = {digest}::bytea)"


def reservation(digest: bytes, user_id: UUID | None) -> Write:
    """The name becomes that new user's, or with ``None`` is kept from everybody.

    The commit raises UsernameTaken when it is or was anybody's.
    """
    conflicts = (("reserved_usernames_pkey", UsernameTaken),)
    return Write(statement=_RESERVE, arguments=(digest, user_id), conflicts=conflicts)


def release(digest: bytes) -> Write:
    """The name becomes nobody's, for good."""
    return Write(statement=_RELEASE, arguments=(digest,))


def username_change(digest_of: Callable[[str], bytes], user_id: UUID, username: Username) -> tuple[Write, ...]:
    """What has to hold before the user's row gets that name, and holds from then on.

    The commit raises InvalidValue ``username_changed_too_often`` and UsernameTaken.
    """
    return (
        Write(statement=_ADMIT, arguments=(user_id, username.canonical), unless_written=username_changed_too_often),
        # The name that is given up has its row, unless the account is of version 0.1 and never had another name.
        Write(
            statement=_HAS_RESERVED,
            arguments=(user_id,),
            unless_written=ServiceUnavailable,
            remedy=partial(_reserve_current, digest_of, user_id),
        ),
        Write(
            statement=_RESERVE_AGAIN,
            arguments=(digest_of(username.canonical), user_id),
            unless_written=UsernameTaken,
        ),
    )


async def _reserve_current(digest_of: Callable[[str], bytes], user_id: UUID, database: Database) -> None:
    row = await database.fetch_row("SELECT username_canonical FROM users WHERE id = $1", user_id)
    if row is not None:
        canonical = row["username_canonical"]
        await database.fetch(_RESERVE_CURRENT, digest_of(canonical), user_id, canonical)


@dataclass(frozen=True, slots=True)
class PostgresUsernameHistory:
    """When usernames changed, as the users' rows tell."""

    database: Database

    async def next_change(self, user_id: UUID) -> datetime | None:
        """See the port."""
        row = await self.database.fetch_row(
            "SELECT now() AS now, username_changed_at FROM users WHERE id = $1", user_id
        )
        return next_username_change(row["username_changed_at"], row["now"]) if row else None
