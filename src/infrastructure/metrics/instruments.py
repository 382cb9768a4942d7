"""Counters, gauges and histograms: a dictionary each, so that counting costs a request well under a microsecond.

The library that writes Prometheus' text form has instruments of its own. They take a lock and several calls each time,
and have to be imported at the start, which costs memory before anybody asks; so it is given the figures when somebody
does (:mod:`infrastructure.metrics.exposition`). Count on the event loop's thread only: nothing is locked.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

Labels = tuple[str, ...]
"""The values of an instrument's labels, in their order."""


class Across(StrEnum):
    """What the figures of several processes of one machine are together."""

    SUM = "sum"
    """Each counts what it does itself."""
    HIGHEST = "highest"
    """All tell of the same thing."""


@dataclass(frozen=True, slots=True)
class Description:
    """An instrument's name without the prefix and its unit's suffix, what it says, and the names of its labels.

    A label has a handful of values that are known beforehand. Nothing that a client sends may become one: each new
    value is a series that is kept for ever (and might be personal, G02).
    """

    name: str
    help: str
    labels: Sequence[str] = ()
    across: Across = Across.SUM


class Counter:
    """A number that only grows."""

    def __init__(self, name: str, help_text: str, *labels: str, across: Across = Across.SUM) -> None:
        self.description = Description(name, help_text, labels, across)
        self.values: dict[Labels, float] = {}

    def add(self, *labels: str, by: float = 1) -> None:
        """One more, or several, with those values of its labels."""
        self.values[labels] = self.values.get(labels, 0) + by

    def know(self, labels: Labels, total: float) -> None:
        """Take over a total that is counted elsewhere."""
        self.values[labels] = total


class Gauge:
    """A number that is read when somebody asks."""

    def __init__(self, name: str, help_text: str, *labels: str, across: Across = Across.SUM) -> None:
        self.description = Description(name, help_text, labels, across)
        self._reads: list[tuple[Labels, Callable[[], float]]] = []

    @contextmanager
    def read_by(self, read: Callable[[], float], *labels: str) -> Iterator[None]:
        """Read it so for as long as the context lasts; several with the same labels are summed."""
        entry = (labels, read)
        self._reads.append(entry)
        try:
            yield
        finally:
            self._reads.remove(entry)

    @property
    def values(self) -> dict[Labels, float]:
        """As of now."""
        values: dict[Labels, float] = {}
        for labels, read in self._reads:
            values[labels] = values.get(labels, 0) + read()
        return values


class Histogram:
    """How many observations lay at or below each of some bounds, and their sum."""

    def __init__(self, name: str, help_text: str, *labels: str, bounds: Sequence[float]) -> None:
        self.description = Description(name, help_text, labels)
        self.bounds = tuple(bounds)
        self.values: dict[Labels, list[float]] = {}
        """How many in each bucket, the last without a bound, and behind them the sum."""

    def observe(self, value: float, *labels: str) -> None:
        """One observation with those values of its labels."""
        counts = self.values.get(labels)
        if counts is None:
            counts = self.values[labels] = [0.0] * (len(self.bounds) + 2)
        counts[bisect_left(self.bounds, value)] += 1
        counts[-1] += value


Instrument = Counter | Gauge | Histogram
