"""``crm-auth audit``: what happened, and that nobody altered it."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click

from interfaces.cli.audit_entries import Entries, EntryLines, EntryTable
from interfaces.cli.audit_operations import AuditSearch, Document, Verified
from interfaces.cli.documents import as_json
from interfaces.cli.operations import Operations
from interfaces.cli.tables import terminal_columns
from interfaces.cli.telling import EXIT_ALTERED, telling
from interfaces.cli.terminal_text import visible

_LARGEST = 2**63 - 1
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])

operations = click.make_pass_decorator(object)
json_option = click.option("--json", "as_json_", is_flag=True, help="Print JSON.")


@click.group()
def audit() -> None:
    """The audit log: what happened, and that nobody altered it.

    Whoever reads it is written down in it. Exit codes beside the usual ones: 3 there is no such account, 4 the log is
    not as it was written.
    """


def _conditions(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        json_option,
        click.option("--until", type=_TIME, help="Only before this time in UTC."),
        click.option("--since", type=_TIME, help="Only from this time in UTC on."),
        click.option("--ip", "address", help="Only from this address; it is sealed, so this opens every entry."),
        click.option("--request", "request_id", help="Only of the request with this id."),
        click.option("--session", "session_id", type=click.UUID, help="Only of this session."),
        click.option(
            "--type", "types", multiple=True, help="Only of this type, as log_in.failed, or session. for all."
        ),
        click.option("--user", help="Only of this account: id, e-mail address or username; the id of one deleted."),
    ):
        command = option(command)
    return command


@audit.command("tail")
@click.option("-n", "--lines", "count", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is sealed from now on.")
@_conditions
@operations
@telling
def tail(does: Operations, *, count: int, follow: bool, as_json_: bool, **conditions: Any) -> None:
    """Show the last entries.

    What happened has its place in the log within 5 seconds.
    """
    printed = _entries(as_json_=as_json_)
    does.audit.tail(_search(**conditions), count=count, follow=follow, show=printed.show)


@audit.command("search")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, _LARGEST), help="How many at most.")
@click.option("--all", "everything", is_flag=True, help="All of them, whatever --limit says.")
@click.option("--after", default=0, type=click.IntRange(0, _LARGEST), help="Go on after this sequence.")
@_conditions
@operations
@telling
def search(does: Operations, *, limit: int, everything: bool, after: int, as_json_: bool, **conditions: Any) -> None:
    """Show entries, oldest first.

    With what is personal in them, unless its key was destroyed with the account.
    """
    printed = _entries(as_json_=as_json_)
    does.audit.search(_search(**conditions), after=after, limit=None if everything else limit, show=printed.show)


@audit.command("export")
@click.option("--personal", is_flag=True, help="With what is personal in clear beside what is sealed.")
@operations
@telling
def export(does: Operations, *, personal: bool) -> None:
    """Write the whole log to standard output, a line of JSON for each entry and head.

    It can be verified elsewhere, with or without --personal; what --personal adds is not part of what is proved.
    """
    does.audit.export(personal=personal, show=_echo_line)


@audit.command("heads")
@operations
@telling
def heads(does: Operations) -> None:
    """Write all signed heads to standard output, a line of JSON for each, to be kept elsewhere."""
    does.audit.heads(_echo_line)


@audit.command("verify")
@click.option("--heads", "held", type=_FILE, help="Heads that were kept elsewhere.")
@click.option("--file", "exported", help="Verify this export, - for standard input, without database and settings.")
@click.option("--public-key", type=_FILE, help="With --file: the public keys that are trusted, in PEM.")
@json_option
@operations
@telling
def verify(
    does: Operations, *, held: Path | None, exported: str | None, public_key: Path | None, as_json_: bool
) -> None:
    """Verify that the log is as it was written.

    Finds entries that were altered, deleted, inserted, appended or moved, and says which. Whether the end was cut off
    is shown by heads that were kept elsewhere alone. Exit code 4 says that something was found.
    """
    if (exported is None) != (public_key is None):
        raise click.UsageError("--file and --public-key belong together.")
    if exported is not None and public_key is not None:
        _tell(does.audit.verify_file(exported, public_key, held), as_json_=as_json_)
    else:
        _tell(does.audit.verify(held), as_json_=as_json_)


@audit.command("verifier")
@operations
@telling
def verifier(does: Operations) -> None:
    """Print a program that verifies exports on another machine; it needs Python and `cryptography` alone."""
    click.echo(does.audit.verifier(), nl=False)


@audit.command("public-key")
@operations
@telling
def public_key(does: Operations) -> None:
    """Print the public keys that heads are verified with, in PEM, the newest first."""
    click.echo(does.audit.public_keys(), nl=False)


@audit.command("rotate-key")
@operations
@telling
def rotate_key(does: Operations) -> None:
    """Have another key sign heads from now on.

    The last head of the old key names the new one, so that whoever trusts the old one can go on.
    """
    click.echo(f"Heads are signed by the key {does.audit.rotate_key()} from now on.")


@audit.command("replay-erasures")
@click.argument("held", type=_FILE, metavar="HEADS")
@click.option(
    "--public-key",
    "public_keys",
    type=_FILE,
    multiple=True,
    help="Trust the public keys in this PEM file alone, and not those in the database; may be given again.",
)
@operations
@telling
def replay_erasures(does: Operations, *, held: Path, public_keys: tuple[Path, ...]) -> None:
    """Erase again, after a restore, whom the backup brought back.

    HEADS has heads that were kept elsewhere: they say who was erased since. Accounts that are there again are deleted,
    the keys of what was personal in the log destroyed. May be done again.
    """
    replayed = does.audit.replay_erasures(held, public_keys)
    for number in replayed.unreadable:
        click.echo(f"crm-auth: line {number} of {visible(str(held))} cannot be read, and was skipped.", err=True)
    count = replayed.count
    whose = "1 erased user had" if count == 1 else f"{count} erased users had"
    click.echo(f"{whose} come back, and all are erased again.")


def _search(
    *, address: str | None, since: datetime | None, until: datetime | None, types: tuple[str, ...], **conditions: Any
) -> AuditSearch:
    try:
        told = None if address is None else str(ip_address(address))
    except ValueError:
        raise click.BadParameter("It has to be an IP address.", param_hint="--ip") from None
    since, until = (time and time.replace(tzinfo=UTC) for time in (since, until))
    return AuditSearch(ip_address=told, types=types, since=since, until=until, **conditions)


def _entries(*, as_json_: bool) -> Entries:
    return EntryLines() if as_json_ else EntryTable(terminal_columns())


def _echo_line(document: Document) -> None:
    click.echo(json.dumps(document))


def _tell(verified: Verified, *, as_json_: bool) -> None:
    if as_json_:
        click.echo(as_json(verified.document))
    else:
        for line in verified.lines:
            click.echo(visible(line))
    if not verified.is_intact:
        sys.exit(EXIT_ALTERED)
