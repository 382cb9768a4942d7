"""Keys by which a sign-up may be sent again, in PostgreSQL.

Keys and contents are kept as keyed digests. That of a content has the key in it: whoever has the table and the secrets
still cannot try passwords against it without the key, which only the client has.
"""

from collections.abc import Callable
from math import ceil
from uuid import UUID

from asyncpg import Record

from application.accounts.ports import IDEMPOTENCY_KEY_KEPT, IDEMPOTENCY_KEY_LEASE, KeyClaim, KeyedRequest
from domain.accounts.errors import IdempotencyKeyReused, RequestInProgress
from infrastructure.postgres.database import Database
from infrastructure.postgres.purges import BATCH, purge_by
from infrastructure.postgres.writes import Write

CREATED = 201
"""What a sign-up that was done is answered with."""
ACCEPTED = 202
"""What one is answered with that waits for its address to be proven."""

_LEASE = f"interval '{IDEMPOTENCY_KEY_LEASE.total_seconds():.0f} seconds'"
_KEPT = f"interval '{IDEMPOTENCY_KEY_KEPT.total_seconds():.0f} seconds'"
_IS_OVER = f"k.created_at <= now() - CASE WHEN k.status IS NULL THEN {_LEASE} ELSE {_KEPT} END"


def arguments_of(keyed: KeyedRequest | None, digest: Callable[[str], bytes]) -> tuple[object, ...]:
    """What :func:`held` and :func:`claimed` take: the digests of key and content, and the attempt."""
    if keyed is None:
        return None, None, None
    # A key has no line end, so no two of these texts are the same.
    return digest(keyed.key), digest(f"{keyed.key}\n{keyed.content}"), keyed.attempt


def held(*, key: int, request: int) -> str:
    """The row of the key as it was before this statement, for use as a CTE; the numbers are those of its parameters.

    Gives ``is_live`` and ``is_same``: whether it is live and of the same content.
    """
    return f"""
    SELECT NOT ({_IS_OVER}) AS is_live, NOT ({_IS_OVER}) AND k.request = ${request}::bytea AS is_same
    FROM idempotency_keys AS k WHERE k.digest = ${key}::bytea
    """


def claimed(*, key: int, request: int, attempt: int, refused: str, taken: str) -> str:
    """The upsert that claims the key, for use as a CTE behind one named ``held``.

    A claim in force and an answer that is remembered are left as they are. What the conditions ``refused`` and
    ``taken`` are true of makes no claim: there is none to release. Gives ``digest``, ``is_ours``, ``is_same``,
    ``user_id`` of what was done, and ``wait`` in seconds: as long again as the holder has been at it.
    """

    def moved(column: str) -> str:
        return f"{column} = CASE WHEN {_IS_OVER} THEN excluded.{column} ELSE k.{column} END"

    columns = ("request", "claim", "status", "user_id", "created_at")
    return f"""
    INSERT INTO idempotency_keys AS k (digest, request, claim)
    SELECT ${key}::bytea, ${request}::bytea, ${attempt}::uuid
    WHERE ${attempt}::uuid IS NOT NULL
        AND NOT ({refused}) AND (NOT ({taken}) OR EXISTS (SELECT FROM held WHERE is_live))
    ON CONFLICT (digest) DO UPDATE SET {", ".join(map(moved, columns))}
    RETURNING k.digest, k.user_id,
        k.claim = ${attempt}::uuid AS is_ours, k.request = ${request}::bytea AS is_same,
        extract(epoch FROM least(now() - k.created_at, k.created_at + {_LEASE} - now()))::float8 AS wait
    """


def claim_of(row: Record, keyed: KeyedRequest | None) -> KeyClaim | None:
    """The claim in a row that has what :func:`claimed` gives, as ``key_...``; ``None`` where there is nothing to do.

    Raises IdempotencyKeyReused, RequestInProgress.
    """
    if keyed is None or row["key_digest"] is None:
        return None
    if not row["key_is_same"]:
        raise IdempotencyKeyReused
    if row["key_is_ours"]:
        return KeyClaim(row["key_digest"], keyed.attempt)
    if row["key_user_id"] is None:
        raise RequestInProgress(retry_after=max(1, ceil(row["key_wait"])))
    return None


_COMPLETE = """
UPDATE idempotency_keys SET status = $3::integer, user_id = $4::uuid
WHERE digest = $1::bytea AND claim = $2::uuid AND status IS NULL
RETURNING digest
"""

# Not what was completed: who is told that a commit failed may find out later that it did not.
_WITHDRAW = """
DELETE FROM idempotency_keys WHERE digest = $1::bytea AND claim = $2::uuid AND status IS NULL RETURNING digest
"""

_PURGE = f"""
DELETE FROM idempotency_keys WHERE digest IN (
    SELECT digest FROM idempotency_keys WHERE created_at < now() - {_KEPT} LIMIT {BATCH} FOR UPDATE SKIP LOCKED
)
RETURNING digest
"""


def completion(claim: KeyClaim, user_id: UUID, status: int) -> Write:
    """Remember that it was done, and as whom, unless the claim is lost."""
    arguments = (claim.digest, claim.attempt, status, user_id)
    return Write(statement=_COMPLETE, arguments=arguments, unless_written=RequestInProgress)


def withdrawal(claim: KeyClaim) -> Write:
    """Forget this claim, and nobody else's."""
    return Write(statement=_WITHDRAW, arguments=(claim.digest, claim.attempt))


async def purge(database: Database) -> None:
    """Delete keys that are not answered any more, 1,000 a statement, past those that are in use."""
    await purge_by(database, _PURGE)
