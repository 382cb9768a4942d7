"""All accounts in PostgreSQL, for operators."""

import re
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from application.accounts.ports import UserQuery, UserReference, UserScan
from domain.accounts.identifiers import EmailAddress
from domain.accounts.user import User
from infrastructure.postgres.accounts import USER_COLUMNS, user_of
from infrastructure.postgres.database import Database

_FIND = f"SELECT {USER_COLUMNS} FROM users AS u WHERE u."
_BY_ID = f"{_FIND}id = $1::uuid"
_BY_EMAIL = f"{_FIND}email_canonical = $1::text"
_BY_USERNAME = f"{_FIND}username_canonical = $1::text"

# A stretch of the primary key, walked from its end: ids sort by time. It is bounded however few match, so a search for
# part of a name needs no index and no extension, and never runs into the statement's time limit.
_SCAN = f"""
WITH edge AS (SELECT id FROM users WHERE id < $1::uuid ORDER BY id DESC OFFSET $2::integer - 1 LIMIT 1)
SELECT (SELECT id FROM edge) AS edge, found.*
FROM (SELECT) AS one LEFT JOIN (
    SELECT {USER_COLUMNS} FROM users AS u
    WHERE u.id < $1::uuid AND u.id >= coalesce((SELECT id FROM edge), '00000000-0000-0000-0000-000000000000')
        AND ($3::text IS NULL OR u.status = $3::text)
        AND ($4::text IS NULL OR concat_ws(E'\\n', u.email, u.email_canonical, u.username, u.display_name,
            concat_ws(' ', u.given_name, u.family_name)) ~ $4::text)
    ORDER BY u.id DESC LIMIT $5::integer
) AS found ON true
ORDER BY found.user_id DESC
"""

_AFTER_ALL = UUID(int=2**128 - 1)
STRETCH = 10_000
"""Accounts that one statement looks at: some 20 ms of work."""


@dataclass(frozen=True, slots=True)
class PostgresUserDirectory:
    """Accounts as they stand, one statement a question."""

    database: Database
    stretch: int = STRETCH

    async def find(self, reference: UserReference) -> User | None:
        """See the port."""
        match reference:
            case UUID():
                row = await self.database.fetch_row(_BY_ID, reference)
            case EmailAddress():
                row = await self.database.fetch_row(_BY_EMAIL, reference.canonical)
            case _:
                row = await self.database.fetch_row(_BY_USERNAME, reference.canonical)
        return user_of(row) if row else None

    async def scan(self, query: UserQuery, *, after: UUID | None, limit: int) -> UserScan:
        """See the port."""
        wanted = (query.status and query.status.value, query.text and in_any_case(query.text))
        rows = await self.database.fetch(_SCAN, after or _AFTER_ALL, self.stretch, *wanted, limit)
        users = [user_of(row) for row in rows if row["user_id"]]
        return UserScan(users=users, next=users[-1].id if len(users) == limit else rows[0]["edge"])


def in_any_case(text: str) -> str:
    """A regular expression for the text in capitals and small letters alike.

    Spelt out, because what PostgreSQL takes for the other case of a letter outside ASCII depends on the locale that
    the database was made with.
    """
    return "".join(map(_either_case, unicodedata.normalize("NFC", text)))


def _either_case(letter: str) -> str:
    cases = {one for one in (letter, letter.lower(), letter.upper()) if len(one) == 1}
    return re.escape(letter) if len(cases) == 1 else f"[{''.join(sorted(cases))}]"
