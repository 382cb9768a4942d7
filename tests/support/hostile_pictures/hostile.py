"""What a hostile picture is."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class HarmlessAs(Enum):
    """What may become of it."""

    REFUSED = "refused"
    RENDERED = "rendered"


@dataclass(frozen=True)
class Hostile:
    """Made when it is wanted, for some are large."""

    name: str
    make: Callable[[], bytes]
    harmless_as: HarmlessAs = HarmlessAs.REFUSED
    dear: bool = False
    """Takes a second of a processor and more: where others use it, the answer may be that it is busy or too slow."""

    def __str__(self) -> str:
        return self.name
