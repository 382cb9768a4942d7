"""``crm-auth keys``: the keys that sign access tokens."""

import sys
from collections.abc import Sequence

import click

from interfaces.cli.documents import Document, as_json, minute, timestamp
from interfaces.cli.key_operations import SigningKeyStatus
from interfaces.cli.operations import Operations
from interfaces.cli.tables import Column, Row, lines, terminal_columns
from interfaces.cli.telling import EXIT_NOT_FOUND, telling

_COLUMNS = (
    Column("KEY ID"),
    Column("STATE"),
    Column("ALGORITHM", may_go=True),
    Column("CREATED (UTC)"),
    Column("SIGNS SINCE (UTC)"),
    Column("RETIRED (UTC)"),
)
_JSON = click.option("--json", "as_json_", is_flag=True, help="Print JSON.")

operations = click.make_pass_decorator(object)


class _TakesAnyId(click.Command):
    """What is none of its options is the id of a key, also with the hyphen that one in 64 begins with (RFC 7638)."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        ids = [text for text in args if text not in options and text != "--"]
        return super().parse_args(ctx, [*(text for text in args if text in options), "--", *ids])


@click.group()
def keys() -> None:
    """The keys that sign access tokens.

    One is active and signs. One is next: published, so that every service that verifies tokens knows it before it
    signs. Retired ones are trusted while tokens they signed may live, revoked ones never more. What is done here is
    recorded with the name of whoever does it; running servers follow within half a minute.
    """


@keys.command("list")
@_JSON
@operations
@telling
def list_keys(does: Operations, *, as_json_: bool) -> None:
    """List the keys, newest first."""
    _show(does.keys.list(), as_json_=as_json_)


@keys.command()
@click.option("--at-once", is_flag=True, help="Even if the next key has not been published for long enough.")
@_JSON
@operations
@telling
def rotate(does: Operations, *, at_once: bool, as_json_: bool) -> None:
    """Have the next key sign, and publish another that will be next.

    Tokens of the key before stay good until they expire. Refused for 11 minutes after the next key was made: services
    may keep the key set for 5, and would refuse tokens of a key that is not in it.
    """
    _show(does.keys.rotate(at_once=at_once), as_json_=as_json_)


@keys.command(cls=_TakesAnyId)
@click.argument("kid", metavar="KEY_ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_JSON
@operations
@telling
def revoke(does: Operations, *, kid: str, yes: bool, as_json_: bool) -> None:
    """Trust nothing any more that a key signed: for one that others may have. Asks first.

    Running servers refuse its tokens within half a minute, other services when they next read the key set, within 5
    minutes. Nobody is signed out: clients refresh. Exit code 3 says that there is no such key.
    """
    if not yes:
        click.confirm(f"Refuse every access token that {kid} signed?", abort=True, err=True)
    left = does.keys.revoke(kid)
    if left is None:
        click.echo("crm-auth: there is no such key that could be revoked", err=True)
        sys.exit(EXIT_NOT_FOUND)
    _show(left, as_json_=as_json_)


def _show(found: Sequence[SigningKeyStatus], *, as_json_: bool) -> None:
    if as_json_:
        click.echo(as_json({"items": list(map(_document, found))}))
    elif found:
        for line in lines(_COLUMNS, list(map(_row, found)), terminal_columns()):
            click.echo(line)
    else:
        click.echo("There is no key yet: the first start of the service makes them.", err=True)


def _document(key: SigningKeyStatus) -> Document:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": key.state,
        "created_at": timestamp(key.created_at),
        "activated_at": None if key.activated_at is None else timestamp(key.activated_at),
        "retired_at": None if key.retired_at is None else timestamp(key.retired_at),
    }


def _row(key: SigningKeyStatus) -> Row:
    return {
        "KEY ID": key.kid,
        "STATE": key.state,
        "ALGORITHM": key.algorithm,
        "CREATED (UTC)": minute(key.created_at),
        "SIGNS SINCE (UTC)": minute(key.activated_at) if key.activated_at else "",
        "RETIRED (UTC)": minute(key.retired_at) if key.retired_at else "",
    }
