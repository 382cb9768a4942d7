"""What `crm-auth doctor` prints, and its exit codes."""

import json

from click.testing import CliRunner, Result

from interfaces.cli.commands import command_line
from interfaces.cli.operations import Finding, FindingState
from tests.unit.interfaces.cli.fake_operations import FakeOperations

WELL = Finding("database", FindingState.OK, "it answers")
ODD = Finding("mail", FindingState.WARNING, "it is sent nowhere", "set CRM_AUTH_MAIL_URL")
ILL = Finding("worker", FindingState.FAILED, "none \x1b[2J was heard of", "start one")


def run(*findings: Finding, json_: bool = False) -> Result:
    does = FakeOperations(findings=findings)
    return CliRunner().invoke(command_line, ["doctor", *(["--json"] if json_ else [])], obj=does)


def test_a_table_and_what_to_do() -> None:
    result = run(WELL, ODD, ILL)
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["STATE", "CHECK"], ["ok", "database"], ["warning", "mail"], ["failed", "worker"],
    ]  # fmt: skip
    assert result.stderr.splitlines() == ["mail: set CRM_AUTH_MAIL_URL", "worker: start one"]
    assert "\x1b" not in result.stdout


def test_exit_codes() -> None:
    assert run(WELL, ODD).exit_code == 0
    assert run(WELL, ILL).exit_code == 1


def test_json() -> None:
    result = run(WELL, ILL, json_=True)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert told["findings"][0] == {"check": "database", "state": "ok", "found": "it answers", "remedy": None}
