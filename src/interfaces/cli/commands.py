"""``crm-auth serve | worker | db | config | users | outbox | passwords | doctor | audit | keys``."""

import sys

import click

from interfaces.cli.audit import audit
from interfaces.cli.doctor import doctor
from interfaces.cli.keys import keys
from interfaces.cli.operations import Operations
from interfaces.cli.outbox import outbox
from interfaces.cli.passwords import passwords
from interfaces.cli.telling import telling
from interfaces.cli.users import users

operations = click.make_pass_decorator(object)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="crm-auth", prog_name="crm-auth")
def command_line() -> None:
    """The authentication service of a CRM.

    Every setting is an environment variable that begins with CRM_AUTH_; `crm-auth config` shows them all. Exit codes:
    0 done, 1 refused or failed (the reason is on standard error), 2 wrong usage, 3 no such account, session,
    delivery or key, 4 the audit log is not as it was written.
    """


@command_line.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@operations
@telling
def serve(does: Operations, host: str, port: int, workers: int) -> None:
    """Serve the API and its docs page.

    Without CRM_AUTH_DATABASE_URL it starts a PostgreSQL of its own in the data folder, and migrates it.
    """
    sys.exit(does.serve(host=host, port=port, workers=workers))


@command_line.command()
@operations
@telling
def worker(does: Operations) -> None:
    """Run the background worker alone.

    Sends the mail that servers with CRM_AUTH_WORKER=off leave to others. Any number of them share the work. Without
    CRM_AUTH_DATABASE_URL it joins the PostgreSQL of a server that runs on the same data folder.
    """
    sys.exit(does.work())


@command_line.command()
@operations
@telling
def config(does: Operations) -> None:
    """Show the settings in force, secrets masked."""
    for item in does.settings():
        click.echo(f"# {item.meaning}\n{item.variable}={item.value}")


@command_line.group()
def db() -> None:
    """The database's schema."""


@db.command()
@operations
@telling
def init(does: Operations) -> None:
    """Make the roles and the database of CRM_AUTH_DATABASE_URL and CRM_AUTH_DATABASE_MIGRATION_URL.

    Does it as the user of CRM_AUTH_DATABASE_ADMIN_URL, leaves what is there already, and hands tables of the one role
    there was over to the owner.
    """
    for line in does.schema.init():
        click.echo(line)


@db.command()
@click.argument("revision", default="head")
@operations
@telling
def upgrade(does: Operations, revision: str) -> None:
    """Bring the schema to REVISION, by default the newest."""
    does.schema.upgrade(revision)
    click.echo(does.schema.current())


@db.command(context_settings={"ignore_unknown_options": True})  # -2 is a revision
@click.argument("revision", default="-1")
@click.confirmation_option(prompt="Data that the older schema has no place for is lost. Go on?")
@operations
@telling
def downgrade(does: Operations, revision: str) -> None:
    """Bring the schema back to REVISION, by default one step."""
    does.schema.downgrade(revision)
    click.echo(does.schema.current() or "no schema")


@db.command()
@operations
@telling
def current(does: Operations) -> None:
    """Show the revision the database is at."""
    click.echo(does.schema.current() or "no schema")


@db.command()
@operations
@telling
def check(does: Operations) -> None:
    """Exit with 1 unless the schema is the one of this version."""
    does.schema.check()
    click.echo("The schema is the one of this version.")


command_line.add_command(users)
command_line.add_command(outbox)
command_line.add_command(doctor)
command_line.add_command(passwords)
command_line.add_command(audit)
command_line.add_command(keys)
