"""The chain in PostgreSQL, as it is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from asyncpg import Record

from application.audit.ports import END, AuditQuery, KeptEntry
from domain.audit.chain import Link
from domain.audit.entry import timestamp
from domain.audit.head import SignedHead
from infrastructure.audit.keys import AuditKeyUnreadable, AuditKeyWrap, SealedSigningKey
from infrastructure.postgres.audit_keys import SIGNING_KEYS
from infrastructure.postgres.audit_ledger import signed_head_of
from infrastructure.postgres.database import Database

_ENTRIES = """
SELECT a.sequence, a.entry, a.personal, a.hash, k.owner, k.sealed
FROM audit_entries AS a LEFT JOIN audit_keys AS k ON k.owner = a.entry::jsonb ->> 'key'
WHERE {conditions} ORDER BY a.sequence {direction} LIMIT $3
"""
_BOUNDS = "SELECT coalesce(min(sequence), 1) AS first, coalesce(max(sequence), 0) AS last FROM audit_entries"
STRETCH = 20_000
"""Entries that are looked at by one statement where no index finds what is wanted, so that it keeps its time limit."""

_HEADS = "SELECT number, body, signature FROM audit_heads WHERE number > $1 ORDER BY number LIMIT $2"


@dataclass(frozen=True, slots=True)
class PostgresAuditTrail:
    """One statement for each page."""

    database: Database
    wrap: AuditKeyWrap

    async def entries(self, query: AuditQuery, *, after: int, up_to: int = END, at_most: int) -> Sequence[KeptEntry]:
        """See the port."""
        if not _is_read_through(query):
            return await self._page(query, after, up_to, at_most, "ASC")
        first, last = await self._bounds()
        last = min(last, up_to)
        found: Sequence[KeptEntry] = ()
        for start in range(max(after, first - 1), last, STRETCH):
            if found := await self._page(query, start, min(start + STRETCH, last), at_most, "ASC"):
                break
        return found

    async def latest(self, query: AuditQuery, *, up_to: int = END, at_most: int) -> Sequence[KeptEntry]:
        """See the port."""
        if not _is_read_through(query):
            return list(reversed(await self._page(query, 0, up_to, at_most, "DESC")))
        first, last = await self._bounds()
        found: list[KeptEntry] = []
        for end in range(min(last, up_to), first - 1, -STRETCH):
            found += await self._page(query, end - STRETCH, end, at_most - len(found), "DESC")
            if len(found) == at_most:
                break
        return list(reversed(found))

    async def heads(self, *, after: int, at_most: int) -> Sequence[tuple[int, SignedHead]]:
        """See the port."""
        return [(row["number"], signed_head_of(row)) for row in await self.database.fetch(_HEADS, after, at_most)]

    async def public_keys(self) -> Sequence[bytes]:
        """See the port."""
        keys = []
        for row in reversed(await self.database.fetch(SIGNING_KEYS)):
            kept = SealedSigningKey(
                key_id=row["key_id"], public_key=row["public_key"], sealed_private_key=row["sealed_private_key"]
            )
            keys.append(self.wrap.signing_key(kept).public_key().public_bytes_raw())
        return keys

    async def _bounds(self) -> tuple[int, int]:
        row = await self.database.fetch_row(_BOUNDS)
        assert row is not None  # noqa: S101 - an aggregate without groups has a row
        return row["first"], row["last"]

    async def _page(
        self, query: AuditQuery, after: int, up_to: int, at_most: int, direction: str
    ) -> Sequence[KeptEntry]:
        conditions, arguments = _conditions(query)
        conditions = ["a.sequence > $1", "a.sequence <= $2", *conditions]
        statement = _ENTRIES.format(conditions=" AND ".join(conditions), direction=direction)
        rows = await self.database.fetch(statement, after, up_to, at_most, *arguments)
        return [self._kept(row, with_key=query.with_keys) for row in rows]

    def _kept(self, row: Record, *, with_key: bool) -> KeptEntry:
        link = Link(sequence=row["sequence"], entry=row["entry"], personal=row["personal"], hash=row["hash"])
        if row["sealed"] is None or not with_key:
            return KeptEntry(link=link)
        try:
            return KeptEntry(link=link, key=self.wrap.owner_key(row["owner"], row["sealed"]))
        except AuditKeyUnreadable:
            return KeptEntry(link=link, is_key_damaged=True)


def _is_read_through(query: AuditQuery) -> bool:
    """Whether entries have to be looked at one by one to find those that are wanted."""
    is_found = query.user_id is not None or query.session_id is not None or query.request_id is not None
    return not is_found and (bool(query.types) or query.since is not None or query.until is not None)


def _conditions(query: AuditQuery) -> tuple[list[str], list[object]]:
    """Those that are given, and no others: a plan that serves all of them would use no index."""
    wanted: list[tuple[str, object]] = [
        ("a.user_id = ${}::uuid", query.user_id),
        ("a.session_id = ${}::uuid", query.session_id),
        ("a.request_id = ${}::text", query.request_id),
        ("a.type LIKE ANY (${}::text[])", [_pattern(each) for each in query.types] or None),
        ("a.at >= ${}::text", query.since and timestamp(query.since)),
        ("a.at < ${}::text", query.until and timestamp(query.until)),
    ]
    given = [(condition, value) for condition, value in wanted if value is not None]
    return [condition.format(4 + place) for place, (condition, _) in enumerate(given)], [value for _, value in given]


def _pattern(event_type: str) -> str:
    escaped = event_type.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return escaped + "%" if event_type.endswith(".") else escaped
