"""What ``crm-auth passwords`` does: filters of breached passwords, built from files that are there already."""

# ruff: noqa: PLC0415 - everything heavy is imported where it is used, see bootstrap.operations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from interfaces.cli.operations import FilterBuilt, FilterOrder, OperationFailed

if TYPE_CHECKING:
    from infrastructure.passwords.breached.hashes import HashRange

STANDARD_INPUT = Path("-")


class ServicePasswords:
    """Implements :class:`interfaces.cli.operations.PasswordOperations`."""

    def build_filter(self, order: FilterOrder, told: Callable[[float], None]) -> FilterBuilt:
        """Build it where it is to be."""
        from bootstrap.operations import explained
        from infrastructure.passwords.breached.filter_format import Description
        from infrastructure.passwords.breached.filter_writer import write_filter
        from infrastructure.passwords.breached.hashes import RANGES

        described = Description(
            source="standard input" if order.source == STANDARD_INPUT else order.source.absolute().name,
            built_at=datetime.now(UTC),
            entries=0,
            ranges=0,
            min_count=order.min_count,
        )
        with explained(), _readable(), _ranges(order) as ranges:
            built = write_filter(
                order.output,
                _told_of(ranges, told),
                described,
                bits=order.bits,
                processes=order.processes or os.cpu_count() or 1,
            )
        return FilterBuilt(
            entries=built.entries,
            ranges=built.ranges,
            missing_ranges=RANGES - built.ranges,
            size=order.output.stat().st_size,
        )


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OperationFailed(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.") from None


@contextmanager
def _ranges(order: FilterOrder) -> "Iterator[Iterator[HashRange]]":
    from infrastructure.passwords.breached.published_ranges import ranges_of_folder, ranges_of_stream

    if order.source == STANDARD_INPUT:
        yield ranges_of_stream(sys.stdin.buffer, "standard input", order.min_count)
    elif order.source.is_dir():
        yield ranges_of_folder(order.source, order.min_count)
    else:
        with order.source.open("rb") as file:
            yield ranges_of_stream(file, str(order.source), order.min_count)


def _told_of(ranges: "Iterator[HashRange]", told: Callable[[float], None]) -> "Iterator[HashRange]":
    from infrastructure.passwords.breached.hashes import RANGES

    for each in ranges:
        told(each.number / RANGES)
        yield each
