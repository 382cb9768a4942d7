"""Tables for people: aligned, no wider than the terminal, and one below the other where no width would do."""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interfaces.cli.terminal_text import cut, visible, width

GAP = "  "
Row = Mapping[str, str]
"""Cells by the column's title."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its title; ``least`` is how far it may be narrowed, ``None`` for not at all."""

    title: str
    least: int | None = None
    may_go: bool = False
    """Left out where the terminal has no room for it."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns with the widths that were found for the first rows, so that rows can follow for ever."""

    columns: Sequence[tuple[Column, int]]
    cuts: bool
    """Whether longer cells are cut; where nobody looks, as into a file, they are not."""

    def header(self) -> str:
        """The titles."""
        return self._line([column.title for column, _ in self.columns])

    def line(self, row: Row) -> str:
        """One row."""
        return self._line([visible(row[column.title]) for column, _ in self.columns])

    def _line(self, cells: Sequence[str]) -> str:
        sized = zip(cells, (size for _, size in self.columns), strict=True)
        shown = [(cut(cell, size) if self.cuts else cell, size) for cell, size in sized]
        return GAP.join(cell + " " * (size - width(cell)) for cell, size in shown).rstrip()


def terminal_columns() -> int | None:
    """How wide the terminal is; ``None`` where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table_for(columns: Sequence[Column], rows: Sequence[Row], room: int | None) -> Table | None:
    """The table for a terminal of that many columns; ``None`` when it cannot be made to fit."""
    sized = [(column, _natural_width(column, rows)) for column in columns]
    if room is None:
        return Table(sized, cuts=False)
    if _total(sized) > room:
        sized = [(column, size) for column, size in sized if not column.may_go]
    while _total(sized) > room:
        widest = max(range(len(sized)), key=lambda index: _slack(sized[index]))
        column, size = sized[widest]
        if _slack(sized[widest]) <= 0:
            return None
        sized[widest] = (column, size - 1)
    return Table(sized, cuts=True)


def record(fields: Row) -> Iterator[str]:
    """One thing, a line for each field."""
    title_width = max(map(width, fields))
    for title, value in fields.items():
        yield f"{title:<{title_width}}{GAP}{visible(value)}".rstrip()


def lines(columns: Sequence[Column], rows: Sequence[Row], room: int | None) -> Iterator[str]:
    """A table of the rows, or where that does not fit, the rows one below the other."""
    if table := table_for(columns, rows, room):
        yield table.header()
        yield from map(table.line, rows)
        return
    for number, row in enumerate(rows):
        if number:
            yield ""
        yield from record(row)


def _natural_width(column: Column, rows: Sequence[Row]) -> int:
    return max(width(column.title), *(width(visible(row[column.title])) for row in rows), 0)


def _total(sized: Sequence[tuple[Column, int]]) -> int:
    return sum(size for _, size in sized) + len(GAP) * (len(sized) - 1)


def _slack(sized: tuple[Column, int]) -> int:
    column, size = sized
    return 0 if column.least is None else size - max(column.least, width(column.title))
