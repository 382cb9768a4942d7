"""What the log tells of an exception: its way, its kind, and what it says if that is our doing (G02, ASVS 16.2.5).

Libraries quote what they were given: the key of a KeyError, the text that is no number, the argument that no statement
takes. In this service that may be a password or a token.
"""

import traceback
from collections.abc import Iterator

from structlog.typing import ExcInfo

_OURS = frozenset({"domain", "application", "infrastructure", "interfaces", "bootstrap"})


def trace_of(exc_info: ExcInfo) -> str:
    """As Python prints it, but without the words of libraries. Lines of source are shown, variables are not."""
    return "\n".join(_lines(exc_info[1], set()))


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen)
        yield "which led to:"
    yield "Traceback (most recent call last):"
    yield from "".join(traceback.format_tb(error.__traceback__)).splitlines()
    yield _said(error)
    if isinstance(error, BaseExceptionGroup):
        yield from (f"  | {line}" for each in error.exceptions for line in _lines(each, seen))


def _said(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if kind.__module__.partition(".")[0] in _OURS:
        return f"{name}: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror}"
    return name
