"""``crm-auth passwords``: what no password may be."""

import sys
from pathlib import Path
from typing import Self

import click

from interfaces.cli.operations import FilterBuilt, FilterOrder, Operations
from interfaces.cli.telling import telling

_MEGABYTE = 1_000_000

operations = click.make_pass_decorator(object)


@click.group()
def passwords() -> None:
    """What no password may be."""


@passwords.command("build-filter")
@click.argument("source", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write, in the place of one that is there.",
)
@click.option(
    "--min-count",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Leave out what was seen less often.",
)
@click.option(
    "--bits",
    default="16",
    show_default=True,
    type=click.Choice(["8", "16"]),
    help="16 refuse 1 good password in 65,536; 8 make half the file and refuse 1 in 256.",
)
@click.option(
    "--processes", default=None, type=click.IntRange(1, 256), help="How many build at once; one for each core."
)
@operations
@telling
def build_filter(
    does: Operations, *, source: Path, output: Path, min_count: int, bits: str, processes: int | None
) -> None:
    """Build a filter of breached passwords for CRM_AUTH_BREACHED_PASSWORDS.

    SOURCE is what Have I Been Pwned publishes, already on this machine: a folder of range files such as 0018A.txt, one
    file with a SHA-1 and a count in each line, in the order of the hashes, or - for such lines on standard input. No
    call is made.
    """
    order = FilterOrder(source=source, output=output, min_count=min_count, bits=int(bits), processes=processes)
    with _Progress() as progress:
        built = does.passwords.build_filter(order, progress.told)
    _tell(built, source, output)


def _tell(built: FilterBuilt, source: Path, output: Path) -> None:
    click.echo(
        f"{output}: {built.entries:,} passwords, {built.size / _MEGABYTE:,.1f} MB."
        " Servers take it when they start with CRM_AUTH_BREACHED_PASSWORDS set to it."
    )
    if source.is_dir() and built.missing_ranges:
        click.echo(
            f"crm-auth: {built.missing_ranges:,} of the 1,048,576 range files are not in {source}:"
            " the passwords in them will be taken.",
            err=True,
        )


class _Progress:
    """Percents on a terminal, in one line that goes when it is done."""

    def __init__(self) -> None:
        self._shown = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown >= 0:
            click.echo("\r\033[K", err=True, nl=False)

    def told(self, done: float) -> None:
        """Show it when it is another percent."""
        if (percent := int(done * 100)) != self._shown and sys.stderr.isatty():
            self._shown = percent
            click.echo(f"\r{percent} %", err=True, nl=False)
