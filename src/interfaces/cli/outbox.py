"""``crm-auth outbox``: what is still to be delivered, and what was given up."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from application.outbox.ports import DeliveryStatus
from interfaces.cli.documents import Document, as_json, minute, timestamp
from interfaces.cli.operations import Operations
from interfaces.cli.tables import Column, Row, lines, terminal_columns
from interfaces.cli.telling import EXIT_NOT_FOUND, telling

_LARGEST_ID = 2**63 - 1
_ID = click.IntRange(1, _LARGEST_ID)
_COLUMNS = (
    Column("ID"),
    Column("SUBSCRIBER"),
    Column("EVENT"),
    Column("TRIED"),
    Column("SINCE (UTC)"),
    Column("AGAIN (UTC)"),
    Column("LAST ERROR", least=20),
    Column("USER", may_go=True),
)

operations = click.make_pass_decorator(object)


@click.group()
def outbox() -> None:
    """What is to be delivered: mail, and whatever other services are told.

    What fails is tried again by itself; what keeps failing, or is refused for good, is parked here until somebody
    decides. What is done here is recorded with the name of whoever does it. Exit code 3 says that there is no such
    delivery, or that it is being delivered at this moment.
    """


@outbox.command("list")
@click.option("--parked/--waiting", default=True, show_default=True, help="Those given up, or those still tried.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.")
@click.option("--after", default=0, type=click.IntRange(0, _LARGEST_ID), help="Go on after the one with this id.")
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
@operations
@telling
def list_deliveries(does: Operations, *, parked: bool, limit: int, after: int, as_json_: bool) -> None:
    """List deliveries, oldest first.

    Which subscriber is to be told which event, how often it was tried, when it will be tried again, and what went
    wrong last.
    """
    page = does.outbox.list(parked=parked, after=after, limit=limit)
    if as_json_:
        click.echo(as_json({"items": list(map(_document, page.deliveries)), "next_cursor": page.next}))
        return
    if page.deliveries:
        for line in lines(_COLUMNS, list(map(_row, page.deliveries)), terminal_columns()):
            click.echo(line)
    else:
        click.echo("Nothing is parked." if parked else "Nothing is waiting.", err=True)
    if page.next is not None:
        click.echo(f"There are more: go on with --after {page.next}", err=True)


def _chosen(command: Callable[..., Any]) -> Callable[..., Any]:
    parked = click.option("--all-parked", is_flag=True, help="All that were given up.")
    return click.argument("delivery_ids", nargs=-1, type=_ID, metavar="[ID]...")(parked(command))


@outbox.command("retry")
@_chosen
@operations
@telling
def retry_deliveries(does: Operations, *, delivery_ids: tuple[int, ...], all_parked: bool) -> None:
    """Try deliveries again, as if for the first time.

    At once and in their order: those that were given up, and those that wait for their next attempt.
    """
    ids = _ids(delivery_ids, all_parked=all_parked)
    _tell(ids, does.outbox.retry(ids), "tried again")


@outbox.command("drop")
@_chosen
@click.option("--yes", is_flag=True, help="Do not ask.")
@operations
@telling
def drop_deliveries(does: Operations, *, delivery_ids: tuple[int, ...], all_parked: bool, yes: bool) -> None:
    """Forget deliveries for good: nobody will be told. Asks first."""
    ids = _ids(delivery_ids, all_parked=all_parked)
    if not yes:
        what = "everything that is parked" if ids is None else f"delivery {', '.join(map(str, ids))}"
        click.confirm(f"Drop {what} for good?", abort=True, err=True)
    _tell(ids, does.outbox.drop(ids), "dropped")


def _ids(delivery_ids: Sequence[int], *, all_parked: bool) -> Sequence[int] | None:
    """``None`` for all that were given up."""
    if bool(delivery_ids) == all_parked:
        raise click.UsageError("Name deliveries by their ID, or say --all-parked.")
    return None if all_parked else list(dict.fromkeys(delivery_ids))


def _tell(asked: Sequence[int] | None, done: Sequence[int], how: str) -> None:
    click.echo(f"{len(done)} {'delivery is' if len(done) == 1 else 'deliveries are'} {how}.")
    if left := [each for each in asked or () if each not in done]:
        numbers = ", ".join(map(str, left))
        click.echo(f"crm-auth: there is no such delivery, or it is being delivered just now: {numbers}", err=True)
        sys.exit(EXIT_NOT_FOUND)


def _document(delivery: DeliveryStatus) -> Document:
    return {
        "id": delivery.id,
        "subscriber": delivery.subscriber,
        "event_type": delivery.event_type,
        "user_id": None if delivery.user_id is None else str(delivery.user_id),
        "created_at": timestamp(delivery.created_at),
        "due_at": timestamp(delivery.due_at),
        "attempts": delivery.attempts,
        "parked_at": None if delivery.parked_at is None else timestamp(delivery.parked_at),
        "last_error": delivery.last_error,
    }


def _row(delivery: DeliveryStatus) -> Row:
    return {
        "ID": str(delivery.id),
        "SUBSCRIBER": delivery.subscriber,
        "EVENT": delivery.event_type,
        "TRIED": str(delivery.attempts),
        "SINCE (UTC)": minute(delivery.created_at),
        "AGAIN (UTC)": "" if delivery.parked_at else minute(delivery.due_at),
        "LAST ERROR": delivery.last_error or "",
        "USER": str(delivery.user_id or ""),
    }
