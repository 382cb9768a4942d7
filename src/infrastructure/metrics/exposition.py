"""Figures in the text form that Prometheus reads, by its own library, which is imported at the first question."""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from infrastructure.metrics.catalogue import INSTRUMENTS, PREFIX
from infrastructure.metrics.instruments import Gauge, Histogram, Instrument
from infrastructure.metrics.reading import Figures, Reading, read

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class Source(Protocol):
    """Has the figures to tell."""

    def read(self) -> Reading:
        """As of now."""
        ...

    def write(self) -> None:
        """Leave them where others find them, if there are others."""
        ...


class OwnFigures:
    """Those of the only process there is."""

    def read(self) -> Reading:
        """As of now."""
        return read(INSTRUMENTS)

    def write(self) -> None:
        """Nobody looks for them."""


class PrometheusMetrics:
    """Implements :class:`interfaces.http.metrics.Metrics`."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def text(self, accept: str) -> tuple[bytes, str]:
        """The content and its media type: OpenMetrics for whoever asks for it, else Prometheus' text."""
        # Three MiB that nobody has to pay for who does not look.
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415

        encode, media_type = choose_encoder(accept)
        return encode(_Collected(self.source.read())), media_type


class _Collected:
    """What the library takes for a registry."""

    def __init__(self, reading: Reading) -> None:
        self._figures = {**reading.counted, **reading.gauged}

    def collect(self) -> "Iterator[Metric]":
        for instrument in INSTRUMENTS:
            yield _family(instrument, self._figures.get(instrument.description.name, {}))


def _family(instrument: Instrument, figures: Figures) -> "Metric":
    from prometheus_client.core import (  # noqa: PLC0415 - as above
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    what = instrument.description
    told = (PREFIX + what.name, what.help)
    if isinstance(instrument, Histogram):
        histogram = HistogramMetricFamily(*told, labels=what.labels)
        for labels, numbers in sorted(figures.items()):
            histogram.add_metric(labels, list(_buckets(instrument.bounds, numbers)), sum_value=numbers[-1])
        return histogram
    kind = GaugeMetricFamily if isinstance(instrument, Gauge) else CounterMetricFamily
    family: GaugeMetricFamily | CounterMetricFamily = kind(*told, labels=what.labels)
    for labels, numbers in sorted(figures.items()):
        family.add_metric(labels, numbers[0])
    return family


def _buckets(bounds: Iterable[float], numbers: list[float]) -> Iterator[tuple[str, float]]:
    """Each bound with all observations at or below it."""
    return zip([*map(str, bounds), "+Inf"], accumulate(numbers[:-1]), strict=True)
