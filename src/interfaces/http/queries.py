"""The query of a request, read strictly, and the pages of lists that it asks for."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Request

from application.sessions.ports import SessionPosition
from domain.errors import FieldCheck, InvalidInput, InvalidValue, Violation
from interfaces.http.bodies import MAX_VIOLATIONS

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
CURSOR_PATTERN = "[A-Za-z0-9_-]{32}"
"""What every `next_cursor` looks like; not all that looks so is one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSITION = Struct(">q16s")
_CURSOR = re.compile(CURSOR_PATTERN)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is asked for; ``after`` is ``None`` for its beginning."""

    limit: int
    after: SessionPosition | None


def query_of(request: Request[Any, Any, Any], known: Collection[str]) -> Mapping[str, str]:
    """The parameters of the query by name.

    Raises InvalidInput for any that is unknown, because `?exept=current` must not be taken for nothing, and for any
    that is given twice: which of two counts must not depend on who reads (H12).
    """
    # Bytes that are no UTF-8 are replaced: no parameter of ours, and no value of one, has such a character.
    given = parse_qsl(request.scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
    names = [name for name, _ in given]
    violations = [
        Violation(_escaped(name), "unknown_parameter", "There is no such parameter.")
        for name in dict.fromkeys(names)
        if name not in known
    ]
    violations += [
        Violation(name, "repeated_parameter", "This parameter is given more than once.")
        for name in known
        if names.count(name) > 1
    ]
    if violations:
        raise InvalidInput("The query is not acceptable.", violations=violations[:MAX_VIOLATIONS])
    return dict(given)


def refuse_query(request: Request[Any, Any, Any]) -> None:
    """Of a route that takes no parameter, where one that is passed over would be taken for granted."""
    if request.scope["query_string"]:
        query_of(request, ())


def page_request_of(request: Request[Any, Any, Any]) -> PageRequest:
    """What `?limit=` and `?cursor=` ask for. Raises InvalidInput, with both when both are wrong."""
    query, check = query_of(request, ("limit", "cursor")), FieldCheck()
    limit = check.optional("limit", _limit, query.get("limit"))
    after = check.optional("cursor", _position, query.get("cursor"))
    check.raise_if_any()
    return PageRequest(limit=DEFAULT_LIMIT if limit is None else limit, after=after)


def cursor_of(position: SessionPosition | None) -> str | None:
    """A position as text for `next_cursor`.

    Nobody vouches for it when it comes back: whatever it says, it only chooses where in a list of their own a caller
    goes on.
    """
    if position is None:
        return None
    microseconds = (position.created_at - _EPOCH) // timedelta(microseconds=1)
    return urlsafe_b64encode(_POSITION.pack(microseconds, position.id.bytes)).decode("ascii")


def _position(cursor: str) -> SessionPosition:
    if not _CURSOR.fullmatch(cursor):
        raise _invalid_cursor()
    microseconds, id_bytes = _POSITION.unpack(urlsafe_b64decode(cursor))
    try:
        created_at = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise _invalid_cursor() from None
    return SessionPosition(created_at=created_at, id=UUID(bytes=id_bytes))


def _invalid_cursor() -> InvalidValue:
    return InvalidValue("invalid_cursor", "This is no `next_cursor` of ours.")


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidValue("invalid_limit", f"A whole number from 1 to {MAX_LIMIT}.")
    return int(text)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
