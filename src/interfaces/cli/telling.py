"""What a command says of a refusal, and the exit code that scripts read."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from domain.errors import DomainError, ErrorKind
from interfaces.cli.operations import OperationFailed
from interfaces.cli.terminal_text import visible

EXIT_FAILED = 1
EXIT_NOT_FOUND = 3
EXIT_ALTERED = 4
"""2 is wrong usage, which click finds by itself."""


@contextmanager
def _told() -> Iterator[None]:
    """Refusals and failures as sentences on standard error, and an exit code."""
    try:
        yield
    except DomainError as refusal:
        for violation in refusal.violations:
            click.echo(visible(f"{violation.field}: {violation.detail} ({violation.code})"), err=True)
        if not refusal.violations:
            click.echo(visible(f"crm-auth: {refusal.detail} ({refusal.code})"), err=True)
        sys.exit(EXIT_NOT_FOUND if refusal.kind is ErrorKind.NOT_FOUND else EXIT_FAILED)
    except OperationFailed as failure:
        click.echo(f"crm-auth: {failure}", err=True)
        sys.exit(EXIT_FAILED)


def telling(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that ends with a sentence and an exit code, whatever is refused."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        with _told():
            return command(*arguments, **options)

    return run
