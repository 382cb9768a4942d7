"""Several writes as one statement: all or none, in one round trip."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import asyncpg

from domain.errors import DomainError
from infrastructure.postgres.database import Database, StatementFailed

_PARAMETER = re.compile(r"\$(\d+)")
_UNMET = "unmet condition of write "
_UNMET_IN_MESSAGE = re.compile(_UNMET + r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One data-modifying statement that ends in ``RETURNING``, with its arguments.

    ``unless_written`` makes the refusal for the case that it touches no row; nothing of the whole is written then.
    ``conflicts`` gives the refusal by the name of the unique index it ran into.
    """

    statement: str
    arguments: tuple[object, ...]
    unless_written: Callable[[], DomainError] | None = None
    conflicts: tuple[tuple[str, Callable[[], DomainError]], ...] = ()


async def write_all(database: Database, writes: Sequence[Write]) -> None:
    """Do all of the writes, or raise the refusal of the one that cannot be done.

    Each becomes a data-modifying CTE; all see one snapshot. So none may depend on rows another one writes, other
    than through a foreign key: those are checked at the statement's end.
    """
    statement = _combined(tuple((write.statement, write.unless_written is not None) for write in writes))
    try:
        await database.fetch_row(statement, *(argument for write in writes for argument in write.arguments))
    except asyncpg.UniqueViolationError as error:
        for write in writes:
            for index, refusal in write.conflicts:
                if index == error.constraint_name:
                    raise refusal() from None
        raise StatementFailed(error) from None
    except asyncpg.InvalidTextRepresentationError as error:
        # Whatever stands around it is in the server's language, quotation marks included.
        unmet = _UNMET_IN_MESSAGE.search(str(error))
        refusal_of = writes[int(unmet[1])].unless_written if unmet else None
        if refusal_of is None:
            raise StatementFailed(error) from None
        raise refusal_of() from None


@lru_cache(maxsize=256)
def _combined(writes: tuple[tuple[str, bool], ...]) -> str:
    """The CTEs, and a SELECT that looks at each in turn, which is what has them done in this order.

    A write that must touch a row and does not makes the SELECT fail, by casting a text that is no number, and the
    failure undoes the other writes.
    """
    parts, looks, offset = [], [], 0
    for position, (statement, is_required) in enumerate(writes):
        parts.append(f"w{position} AS ({_shifted(statement, offset)})")
        offset += max((int(number) for number in _PARAMETER.findall(statement)), default=0)
        look = f"EXISTS (SELECT FROM w{position})"
        unmet = f"CAST(CASE WHEN {look} THEN '1' ELSE '{_UNMET}{position}' END AS integer)"
        looks.append(unmet if is_required else look)
    return f"WITH {', '.join(parts)} SELECT {', '.join(looks)}"


def _shifted(statement: str, by: int) -> str:
    return _PARAMETER.sub(lambda match: f"${int(match[1]) + by}", statement)
