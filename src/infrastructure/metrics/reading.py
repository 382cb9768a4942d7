"""The figures of one process at one moment, and of several together."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from infrastructure.metrics.instruments import Across, Gauge, Histogram, Instrument, Labels

Figures = dict[Labels, list[float]]
"""By the values of the labels: of counters and gauges one number, of histograms the list they keep."""


class Reading(Struct, frozen=True):
    """Figures by the names of their instruments; those of gauges apart, for they end with their process."""

    counted: dict[str, Figures]
    gauged: dict[str, Figures]


NOTHING = Reading({}, {})


def read(instruments: Iterable[Instrument]) -> Reading:
    """The figures of this process."""
    reading = Reading({}, {})
    for each in instruments:
        kind = reading.gauged if isinstance(each, Gauge) else reading.counted
        kind[each.description.name] = _figures_of(each)
    return reading


def together(readings: Sequence[Reading], instruments: Iterable[Instrument]) -> Reading:
    """The figures of several processes of one machine."""
    across = {each.description.name: each.description.across for each in instruments}
    return Reading(
        _merged([each.counted for each in readings], across), _merged([each.gauged for each in readings], across)
    )


def _figures_of(instrument: Instrument) -> Figures:
    if isinstance(instrument, Histogram):
        return {labels: list(counts) for labels, counts in instrument.values.items()}
    return {labels: [value] for labels, value in instrument.values.items()}


def _merged(all_figures: Iterable[Mapping[str, Figures]], across: Mapping[str, Across]) -> dict[str, Figures]:
    merged: dict[str, Figures] = {}
    for by_name in all_figures:
        for name, figures in by_name.items():
            own = merged.setdefault(name, {})
            for labels, numbers in figures.items():
                own[labels] = _combined(own.get(labels), numbers, across.get(name, Across.SUM))
    return merged


def _combined(one: list[float] | None, other: list[float], across: Across) -> list[float]:
    if one is None or len(one) != len(other):
        return other
    if across is Across.HIGHEST:
        return [max(pair) for pair in zip(one, other, strict=True)]
    return [sum(pair) for pair in zip(one, other, strict=True)]
