"""Several writes as one statement: all or none, in one round trip."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import asyncpg

from domain.errors import DomainError
from infrastructure.postgres.connection_pool import Connection
from infrastructure.postgres.database import Database, StatementFailed

_PARAMETER = re.compile(r"\$(\d+)")
_PREVIOUS = re.compile(r"\bprevious\b")
_UNMET = "unmet condition of write "
_UNMET_IN_MESSAGE = re.compile(_UNMET + r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One statement that gives rows (``SELECT``, or what ends in ``RETURNING``), with its arguments.

    It may read what the write before it gave, as the table ``previous``. ``unless_written`` makes the refusal for the
    case that it gives no row; nothing of the whole is written then. ``conflicts`` gives the refusal by the name of the
    unique index it ran into.
    """

    statement: str
    arguments: tuple[object, ...]
    unless_written: Callable[[], DomainError] | None = None
    conflicts: tuple[tuple[str, Callable[[], DomainError]], ...] = ()
    remedy: Callable[[Database], Awaitable[None]] | None = None
    """What is done when it gives no row, before all is tried once more; ``unless_written`` is for the second time."""
    lock: "Lock | None" = None
    """To be had before the statement begins, so that it sees what those who held it before have written."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A statement that locks rows to the end of the transaction, with its arguments."""

    statement: str
    arguments: tuple[object, ...]


async def write_all(database: Database, writes: Sequence[Write]) -> None:
    """Do all of the writes, or raise the refusal of the one that cannot be done.

    Each becomes a data-modifying CTE; all see one snapshot. So none may depend on rows another one writes, other
    than through a foreign key: those are checked at the statement's end. Where one asks for a lock, all is a
    transaction of two statements, of which the second sees what was committed while the first waited.
    """
    unmet = await _unmet(database, writes)
    if unmet is not None and unmet.remedy is not None:
        await unmet.remedy(database)
        unmet = await _unmet(database, writes)
    if unmet is not None and unmet.unless_written is not None:
        raise unmet.unless_written()


async def _unmet(database: Database, writes: Sequence[Write]) -> Write | None:
    """Do all of the writes, or none and give the one that had to give a row and did not."""
    statement = _combined(tuple((write.statement, write.unless_written is not None) for write in writes))
    arguments = tuple(argument for write in writes for argument in write.arguments)
    locks = [write.lock for write in writes if write.lock is not None]
    try:
        if locks:
            await database.in_transaction(partial(_locked, locks, statement, arguments))
        else:
            await database.fetch_row(statement, *arguments)
    except asyncpg.UniqueViolationError as error:
        for write in writes:
            for index, refusal in write.conflicts:
                if index == error.constraint_name:
                    raise refusal() from None
        raise StatementFailed(error) from None
    except asyncpg.InvalidTextRepresentationError as error:
        # Whatever stands around it is in the server's language, quotation marks included.
        unmet = _UNMET_IN_MESSAGE.search(str(error))
        if unmet is None:
            raise StatementFailed(error) from None
        return writes[int(unmet[1])]
    return None


async def _locked(locks: Sequence[Lock], statement: str, arguments: Sequence[object], connection: Connection) -> None:
    for lock in dict.fromkeys(locks):
        await connection.fetch(lock.statement, *lock.arguments)
    await connection.fetchrow(statement, *arguments)


@lru_cache(maxsize=256)
def _combined(writes: tuple[tuple[str, bool], ...]) -> str:
    """The CTEs, and a SELECT that looks at each in turn, which is what has them done in this order.

    A write that must touch a row and does not makes the SELECT fail, by casting a text that is no number, and the
    failure undoes the other writes.
    """
    parts, looks, offset = [], [], 0
    for position, (statement, is_required) in enumerate(writes):
        shifted = _PREVIOUS.sub(f"w{position - 1}", _shifted(statement, offset))
        parts.append(f"w{position} AS ({shifted})")
        offset += max((int(number) for number in _PARAMETER.findall(statement)), default=0)
        look = f"EXISTS (SELECT FROM w{position})"
        unmet = f"CAST(CASE WHEN {look} THEN '1' ELSE '{_UNMET}{position}' END AS integer)"
        looks.append(unmet if is_required else look)
    return f"WITH {', '.join(parts)} SELECT {', '.join(looks)}"


def _shifted(statement: str, by: int) -> str:
    return _PARAMETER.sub(lambda match: f"${int(match[1]) + by}", statement)
