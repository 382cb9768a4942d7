"""``crm-auth serve | db | config | users``."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from application.accounts.register_user import Registration
from domain.accounts.user import User
from domain.errors import DomainError
from interfaces.cli.operations import OperationFailed, Operations

operations = click.make_pass_decorator(object)

EXIT_FAILED = 1


@contextmanager
def _told() -> Iterator[None]:
    """Refusals and failures as sentences on standard error, and exit code 1."""
    try:
        yield
    except DomainError as refusal:
        for violation in refusal.violations:
            click.echo(f"{violation.field}: {violation.detail} ({violation.code})", err=True)
        if not refusal.violations:
            click.echo(f"crm-auth: {refusal.detail} ({refusal.code})", err=True)
        sys.exit(EXIT_FAILED)
    except OperationFailed as failure:
        click.echo(f"crm-auth: {failure}", err=True)
        sys.exit(EXIT_FAILED)


def _telling(command: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        with _told():
            return command(*arguments, **options)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="crm-auth", prog_name="crm-auth")
def command_line() -> None:
    """The authentication service of a CRM.

    Every setting is an environment variable that begins with CRM_AUTH_; `crm-auth config` shows them all. Exit codes:
    0 done, 1 refused or failed (the reason is on standard error), 2 wrong usage.
    """


@command_line.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@operations
@_telling
def serve(does: Operations, host: str, port: int, workers: int) -> None:
    """Serve the API and its docs page.

    Without CRM_AUTH_DATABASE_URL it starts a PostgreSQL of its own in the data folder, and migrates it.
    """
    sys.exit(does.serve(host=host, port=port, workers=workers))


@command_line.command()
@operations
@_telling
def config(does: Operations) -> None:
    """Show the settings in force, secrets masked."""
    for item in does.settings():
        click.echo(f"# {item.meaning}\n{item.variable}={item.value}")


@command_line.group()
def db() -> None:
    """The database's schema."""


@db.command()
@operations
@_telling
def init(does: Operations) -> None:
    """Make the role and the database of CRM_AUTH_DATABASE_URL.

    Does it as the user of CRM_AUTH_DATABASE_ADMIN_URL, and leaves what is there already.
    """
    for line in does.schema.init():
        click.echo(line)


@db.command()
@click.argument("revision", default="head")
@operations
@_telling
def upgrade(does: Operations, revision: str) -> None:
    """Bring the schema to REVISION, by default the newest."""
    does.schema.upgrade(revision)
    click.echo(does.schema.current())


@db.command()
@click.argument("revision", default="-1")
@click.confirmation_option(prompt="Data that the older schema has no place for is lost. Go on?")
@operations
@_telling
def downgrade(does: Operations, revision: str) -> None:
    """Bring the schema back to REVISION, by default one step."""
    does.schema.downgrade(revision)
    click.echo(does.schema.current() or "no schema")


@db.command()
@operations
@_telling
def current(does: Operations) -> None:
    """Show the revision the database is at."""
    click.echo(does.schema.current() or "no schema")


@db.command()
@operations
@_telling
def check(does: Operations) -> None:
    """Exit with 1 unless the schema is the one of this version."""
    does.schema.check()
    click.echo("The schema is the one of this version.")


@command_line.group()
def users() -> None:
    """Accounts, without HTTP."""


@users.command("create")
@click.option("--email", required=True, help="E-mail address.")
@click.option("--username", required=True, help="Username.")
@click.option("--given-name", help="Given name.")
@click.option("--family-name", help="Family name.")
@click.option("--display-name", help="Name to be shown.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not from a prompt.")
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
@operations
@_telling
def create_user(does: Operations, *, password_stdin: bool, as_json: bool, **fields: str | None) -> None:
    """Create an account.

    The password comes from a prompt or from standard input, so that it stays out of the shell's history and the
    list of processes.
    """
    registration = Registration(
        email=fields["email"] or "",
        username=fields["username"] or "",
        password=_password(from_stdin=password_stdin),
        given_name=fields["given_name"],
        family_name=fields["family_name"],
        display_name=fields["display_name"],
    )
    user = _shown(does.create_user(registration))
    if as_json:
        click.echo(json.dumps(user, indent=2))
        return
    width = max(map(len, user))
    for name, value in user.items():
        click.echo(f"{name:<{width}}  {value or ''}")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    prompted: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return prompted


def _shown(user: User) -> dict[str, str | None]:
    return {
        "id": str(user.id),
        "email": user.email.original,
        "username": user.username.original,
        "given_name": user.profile.given_name,
        "family_name": user.profile.family_name,
        "display_name": user.profile.display_name,
        "status": user.status.value,
        "created_at": user.created_at.isoformat(),
    }
