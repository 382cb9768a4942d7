"""``crm-auth users sessions | end-sessions``: where somebody is signed in, and an end to it."""

from uuid import UUID

import click

from domain.sessions.session import Session
from interfaces.cli.documents import as_json, ends_by, minute, session_document, user_document
from interfaces.cli.operations import Operations
from interfaces.cli.tables import Column, Row, lines, terminal_columns
from interfaces.cli.telling import telling

_COLUMNS = (
    Column("DEVICE", least=12),
    Column("ADDRESS"),
    Column("BY"),
    Column("SIGNED IN (UTC)"),
    Column("LAST USED (UTC)"),
    Column("ENDS (UTC)"),
    Column("ID"),
)


@click.command("sessions")
@click.argument("identifier")
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
@click.make_pass_decorator(object)
@telling
def list_sessions(does: Operations, *, identifier: str, as_json_: bool) -> None:
    """Show where an account is signed in.

    Live sessions, newest first: on which device and from which address, by what means (`amr` values of RFC 8176), and
    when each will end: `idle` unless it is used before, `absolute` whatever happens.
    """
    sessions = does.sessions.of(identifier)
    if as_json_:
        click.echo(as_json({"items": list(map(session_document, sessions)), "next_cursor": None}))
    elif sessions:
        for line in lines(_COLUMNS, list(map(_row, sessions)), terminal_columns()):
            click.echo(line)
    else:
        click.echo("No session is live.", err=True)


@click.command("end-sessions")
@click.argument("identifier")
@click.option("--session", "session_id", type=click.UUID, help="Only the one with this id.")
@click.option("--json", "as_json_", is_flag=True, help="Print the account as JSON.")
@click.make_pass_decorator(object)
@telling
def end_sessions(does: Operations, *, identifier: str, session_id: UUID | None, as_json_: bool) -> None:
    """Sign an account out, everywhere.

    Its tokens are refused from the moment this is done. The owner can sign in again.
    """
    user = does.sessions.end(identifier, session_id)
    what = "All sessions" if session_id is None else f"Session {session_id}"
    click.echo(f"{what} of {user.username.original} {'have' if session_id is None else 'has'} ended.", err=as_json_)
    if as_json_:
        click.echo(as_json(user_document(user, does.users.public_url())))


def _row(session: Session) -> Row:
    return {
        "DEVICE": session.device or session.user_agent or "",
        "ADDRESS": session.ip_address or "",
        "BY": " ".join(session.authentication.methods),
        "SIGNED IN (UTC)": minute(session.created_at),
        "LAST USED (UTC)": minute(session.last_used_at),
        "ENDS (UTC)": f"{minute(min(session.idle_expires_at, session.expires_at))} {ends_by(session)}",
        "ID": str(session.id),
    }
