"""``crm-auth users``: accounts, without HTTP."""

import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from application.accounts.ports import UserQuery
from application.accounts.registration import Registration
from domain.accounts.errors import StatusUnchanged
from domain.accounts.user import User, UserStatus
from interfaces.cli.documents import as_json, for_people, minute, timestamp, user_document
from interfaces.cli.listings import UserItems, UserListing, UserTable
from interfaces.cli.operations import Listing, Operations
from interfaces.cli.tables import record, terminal_columns
from interfaces.cli.telling import telling
from interfaces.cli.terminal_text import visible
from interfaces.cli.user_sessions import end_sessions, list_sessions

LONGEST_SEARCH = 254
"""Characters: an e-mail address has no more."""

operations = click.make_pass_decorator(object)
json_option = click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
identifier_argument = click.argument("identifier")


@click.group()
def users() -> None:
    """Accounts and their sessions, without HTTP.

    IDENTIFIER is the id, the e-mail address or the username of an account. What is done here is recorded with the name
    of whoever does it. Exit code 3 says that there is no such account or session.
    """


@users.command("create")
@click.option("--email", required=True, help="E-mail address.")
@click.option("--username", required=True, help="Username.")
@click.option("--given-name", help="Given name.")
@click.option("--family-name", help="Family name.")
@click.option("--display-name", help="Name to be shown.")
@click.option("--phone-number", help="Phone number, as +442079460123.")
@click.option("--locale", help="Language and region, as en-GB.")
@click.option("--zoneinfo", help="Time zone, as Europe/London.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not from a prompt.")
@json_option
@operations
@telling
def create_user(does: Operations, *, password_stdin: bool, as_json_: bool, **fields: Any) -> None:
    """Create an account.

    The password comes from a prompt or from standard input, so that it stays out of the shell's history and the
    list of processes.
    """
    registration = Registration(**fields, password=_password(from_stdin=password_stdin))
    _print_user(does, does.users.create(registration), as_json_=as_json_)


@users.command("show")
@identifier_argument
@json_option
@operations
@telling
def show_user(does: Operations, *, identifier: str, as_json_: bool) -> None:
    """Show an account."""
    _print_user(does, does.users.find(identifier), as_json_=as_json_)


def _listing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        json_option,
        click.option("--all", "everything", is_flag=True, help="All of them, whatever --limit says."),
        click.option("--after", type=click.UUID, help="Go on after the account with this id."),
        click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most."),
        click.option("--status", type=click.Choice([status.value for status in UserStatus]), help="Only such."),
    ):
        command = option(command)
    return command


@users.command("list")
@_listing_options
@operations
@telling
def list_users(does: Operations, **options: Any) -> None:
    """List accounts, newest first."""
    _list(does, None, **options)


@users.command("search")
@click.argument("text")
@_listing_options
@operations
@telling
def search_users(does: Operations, *, text: str, **options: Any) -> None:
    """List accounts that have TEXT in a name.

    In the e-mail address, the username, the given and family name or the name that is shown; anywhere in them, in
    capitals or small letters; newest first. It looks through the accounts until enough are found.
    """
    if not text.strip() or len(text) > LONGEST_SEARCH or visible(text) != text:
        raise click.BadParameter(f"It has to be 1 to {LONGEST_SEARCH} printable characters.", param_hint="TEXT")
    _list(does, text, **options)


@users.command("disable")
@identifier_argument
@json_option
@operations
@telling
def disable_user(does: Operations, *, identifier: str, as_json_: bool) -> None:
    """Keep the owner out and end all sessions.

    Nobody can sign in to the account, and its tokens are refused, from the moment this is done.
    """
    _set_status(does, identifier, does.users.disable, as_json_=as_json_)


@users.command("enable")
@identifier_argument
@json_option
@operations
@telling
def enable_user(does: Operations, *, identifier: str, as_json_: bool) -> None:
    """Let the owner sign in again.

    Sessions from before stay ended.
    """
    _set_status(does, identifier, does.users.enable, as_json_=as_json_)


@users.command("delete")
@identifier_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@operations
@telling
def delete_user(does: Operations, *, identifier: str, yes: bool, as_json_: bool) -> None:
    """Delete an account for good.

    Its sessions end and nothing personal stays, photo included; nobody ever has its username again. Asks first.
    """
    user = does.users.find(identifier)
    if not yes:
        whom = visible(f"{user.username.original} ({user.email.original}, {user.id})")
        click.confirm(f"Delete {whom} for good?", abort=True, err=True)
    # By its id, so that it is the one that was asked about.
    deleted = does.users.delete(str(user.id))
    click.echo(f"{deleted.username.original} is deleted.", err=as_json_)
    if as_json_:
        _print_user(does, deleted, as_json_=True)


@users.command("reset-password")
@identifier_argument
@json_option
@operations
@telling
def reset_password(does: Operations, *, identifier: str, as_json_: bool) -> None:
    """Print a one-time link for a new password.

    For the owner of the account, who sets the password there; nobody else ever sees one. Nothing changes before the
    link is used; then every session ends. It takes the place of any link from before. Whoever has it can use it: hand
    it over to nobody but the owner. Nothing but the link goes to standard output.
    """
    link = does.users.start_password_reset(identifier)
    if as_json_:
        click.echo(as_json({"url": link.url, "expires_at": timestamp(link.expires_at)}))
    else:
        click.echo(link.url)
    click.echo(f"For {link.user.username.original}, once, before {minute(link.expires_at)} UTC.", err=True)
    if link.user.status is UserStatus.DISABLED:
        click.echo("The account is disabled: the link works once it is enabled.", err=True)


users.add_command(list_sessions)
users.add_command(end_sessions)


def _set_status(does: Operations, identifier: str, change: Callable[[str], User], *, as_json_: bool) -> None:
    try:
        user, before = change(identifier), ""
    except StatusUnchanged:
        user, before = does.users.find(identifier), " already; nothing was changed"
    click.echo(f"{user.username.original} is {user.status.value}{before}.", err=as_json_)
    if as_json_:
        _print_user(does, user, as_json_=True)


def _list(
    does: Operations,
    text: str | None,
    *,
    status: str | None,
    limit: int,
    after: UUID | None,
    everything: bool,
    as_json_: bool,
) -> None:
    query = UserQuery(text=text, status=UserStatus(status) if status else None)
    public_url = does.users.public_url()
    printed: UserListing = (
        UserItems(lambda user: user_document(user, public_url)) if as_json_ else UserTable(terminal_columns())
    )
    listing = Listing(query=query, after=after, limit=None if everything else limit)
    printed.end(does.users.list(listing, printed.show))


def _print_user(does: Operations, user: User, *, as_json_: bool) -> None:
    document = user_document(user, does.users.public_url())
    if as_json_:
        click.echo(as_json(document))
        return
    for line in record({name: for_people(value) for name, value in document.items()}):
        click.echo(line)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    prompted: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return prompted
