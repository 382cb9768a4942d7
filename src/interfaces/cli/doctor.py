"""``crm-auth doctor``: what operators get wrong, and what to do about it."""

import sys
from collections.abc import Sequence

import click

from interfaces.cli.documents import as_json
from interfaces.cli.operations import Finding, FindingState, Operations
from interfaces.cli.tables import Column, Row, lines, terminal_columns
from interfaces.cli.telling import EXIT_FAILED, telling
from interfaces.cli.terminal_text import visible

_COLUMNS = (Column("STATE"), Column("CHECK"), Column("FOUND", least=30))

operations = click.make_pass_decorator(object)


@click.command()
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
@operations
@telling
def doctor(does: Operations, *, as_json_: bool) -> None:
    """Look for what is wrong with the service, and say what to do.

    Run it with the settings of the service, beside it or elsewhere: what the running servers see they write into
    the database. It sends no mail and changes nothing. Exit code 1 says that something has to be done; warnings
    leave it at 0.
    """
    findings = does.examine()
    if as_json_:
        click.echo(as_json({"ok": not _is_ill(findings), "findings": [_document(each) for each in findings]}))
    else:
        for line in lines(_COLUMNS, [_row(each) for each in findings], terminal_columns()):
            click.echo(line)
        for each in findings:
            if each.remedy:
                click.echo(visible(f"{each.name}: {each.remedy}"), err=True)
    if _is_ill(findings):
        sys.exit(EXIT_FAILED)


def _is_ill(findings: Sequence[Finding]) -> bool:
    return any(each.state is FindingState.FAILED for each in findings)


def _row(finding: Finding) -> Row:
    return {"STATE": finding.state.value, "CHECK": finding.name, "FOUND": finding.said}


def _document(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.name,
        "state": finding.state.value,
        "found": finding.said,
        "remedy": finding.remedy or None,
    }
