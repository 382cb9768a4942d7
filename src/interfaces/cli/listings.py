"""A list of accounts, printed page by page as it comes, so that a million take no more memory than fifty."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import click

from domain.accounts.user import User
from interfaces.cli.documents import Document, as_json, minute
from interfaces.cli.tables import Column, Row, Table, record, table_for

_COLUMNS = (
    Column("USERNAME", least=12),
    Column("E-MAIL", least=14),
    Column("NAME", least=6),
    Column("STATUS"),
    Column("CREATED (UTC)"),
    Column("ID", may_go=True),
)
_OPENING = '{\n  "items": ['


class UserListing(Protocol):
    """Prints a list of accounts."""

    def show(self, users: Sequence[User]) -> None:
        """Some more of them."""
        ...

    def end(self, after: UUID | None) -> None:
        """The end of the list; ``after`` is where the next one would begin."""
        ...


class UserTable:
    """The list for people: columns as wide as the first page needs them."""

    def __init__(self, room: int | None) -> None:
        self._room = room
        self._table: Table | None = None
        self._any = False

    def show(self, users: Sequence[User]) -> None:
        """See the protocol."""
        rows = list(map(_row, users))
        if rows and not self._any:
            self._any, self._table = True, table_for(_COLUMNS, rows, self._room)
            click.echo(self._table.header() if self._table else "", nl=self._table is not None)
        for row in rows:
            click.echo(self._table.line(row) if self._table else "\n".join((*record(row), "")))

    def end(self, after: UUID | None) -> None:
        """See the protocol."""
        if not self._any:
            click.echo("No account matches.", err=True)
        if after is not None:
            click.echo(f"There are more: go on with --after {after}", err=True)


class UserItems:
    """The list as one JSON document, ``{"items": [...], "next_cursor": ...}``, as over HTTP.

    Nothing is printed before something is known: what fails at once leaves no document that was only begun.
    """

    def __init__(self, document: Callable[[User], Document]) -> None:
        self._document = document
        self._any = False

    def show(self, users: Sequence[User]) -> None:
        """See the protocol."""
        for user in users:
            click.echo(",\n" if self._any else f"{_OPENING}\n", nl=False)
            click.echo(textwrap.indent(as_json(self._document(user)), "    "), nl=False)
            self._any = True

    def end(self, after: UUID | None) -> None:
        """See the protocol."""
        cursor = "null" if after is None else f'"{after}"'
        click.echo(("\n  ]" if self._any else f"{_OPENING}]") + f',\n  "next_cursor": {cursor}\n}}')


def _row(user: User) -> Row:
    profile = user.profile
    full_name = " ".join(filter(None, (profile.given_name, profile.family_name)))
    return {
        "USERNAME": user.username.original,
        "E-MAIL": user.email.original,
        "NAME": profile.display_name or full_name,
        "STATUS": user.status.value,
        "CREATED (UTC)": minute(user.created_at),
        "ID": str(user.id),
    }
