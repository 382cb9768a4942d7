"""Entries of the audit log, printed as they come."""

import json
from collections.abc import Sequence
from typing import Protocol

import click

from interfaces.cli.audit_operations import Document
from interfaces.cli.tables import Column, Row, Table, record, table_for

_COLUMNS = (
    Column("SEQUENCE"),
    Column("AT (UTC)"),
    Column("TYPE"),
    Column("USER", may_go=True),
    Column("SESSION", may_go=True),
    Column("ADDRESS"),
    Column("DETAILS", least=12),
    Column("REQUEST", may_go=True),
)
_TO_THE_SECOND = len("2030-01-01T12:00:00")


class Entries(Protocol):
    """Prints entries."""

    def show(self, entries: Sequence[Document]) -> None:
        """Some more of them."""
        ...


class EntryTable:
    """For people: columns as wide as the first ones need them."""

    def __init__(self, room: int | None) -> None:
        self._room = room
        self._table: Table | None = None
        self._any = False

    def show(self, entries: Sequence[Document]) -> None:
        """See the protocol."""
        rows = list(map(_row, entries))
        if rows and not self._any:
            self._any, self._table = True, table_for(_COLUMNS, rows, self._room)
            click.echo(self._table.header() if self._table else "", nl=self._table is not None)
        for row in rows:
            click.echo(self._table.line(row) if self._table else "\n".join((*record(row), "")))


class EntryLines:
    """For programs: a line of JSON for each."""

    def show(self, entries: Sequence[Document]) -> None:
        """See the protocol."""
        for entry in entries:
            click.echo(json.dumps(entry))


def _row(entry: Document) -> Row:
    hidden = {"erased": "personal data erased", "altered": "PERSONAL DATA ALTERED"}.get(entry["personal"])
    details = [f"{name}={value}" for name, value in sorted(entry["data"].items())]
    return {
        "SEQUENCE": str(entry["sequence"]),
        "AT (UTC)": str(entry["at"])[:_TO_THE_SECOND].replace("T", " "),
        "TYPE": str(entry["type"]),
        "USER": entry["user_id"] or "",
        "SESSION": entry["session_id"] or "",
        "ADDRESS": entry["ip_address"] or "",
        "DETAILS": " ".join([*details, *([hidden] if hidden else [])]),
        "REQUEST": entry["request_id"] or "",
    }
