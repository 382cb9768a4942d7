"""The commands for the outbox: what they print, where, and their exit codes."""

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from application.outbox.ports import DeliveryStatus
from interfaces.cli.commands import command_line
from tests.support.builders import NOON, new_id
from tests.unit.interfaces.cli.fake_operations import FakeOperations

EVIL = "550 \x1b[2J\u202eno such\nmailbox"


def delivery(number: int, **changes: Any) -> DeliveryStatus:
    given = {
        "id": number, "subscriber": "mail", "event_type": "user.registered", "user_id": None, "created_at": NOON,
        "due_at": NOON, "attempts": 10, "parked_at": NOON, "last_error": "550 no such mailbox",
    }  # fmt: skip
    return DeliveryStatus(**given | changes)  # type: ignore[arg-type]  # the tests name fields, the type checks the rest


@pytest.fixture
def does() -> FakeOperations:
    does = FakeOperations()
    waiting = delivery(4, parked_at=None, due_at=NOON + timedelta(minutes=15), user_id=new_id(), last_error=None)
    does.outbox.deliveries = [delivery(1), delivery(2, last_error=EVIL), delivery(3), waiting]
    return does


def run(does: FakeOperations, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(command_line, ["outbox", *arguments], obj=does, input=typed)


def test_what_was_given_up_is_listed_unless_told_otherwise(does: FakeOperations) -> None:
    title, first, *_ = run(does, "list").stdout.splitlines()

    assert title.split("  ")[0] == "ID"
    assert " ".join(first.split()) == "1 mail user.registered 10 2030-01-01 12:00 550 no such mailbox"
    assert run(does, "list", "--parked").stdout == run(does, "list").stdout
    assert "2030-01-01 12:15" in run(does, "list", "--waiting").stdout, "when it will be tried again"


def test_g03_what_another_server_answered_does_not_steer_the_terminal(does: FakeOperations) -> None:
    """G03."""
    shown = run(does, "list").stdout

    assert r"550 \x1b[2J\u202eno such\nmailbox" in shown
    assert "\x1b" not in shown + run(does, "list", "--json").stdout


def test_a_list_says_where_it_goes_on(does: FakeOperations) -> None:
    assert "go on with --after 2" in run(does, "list", "--limit", "2").stderr
    listed = json.loads(run(does, "list", "--limit", "1", "--after", "1", "--json").stdout)
    assert ([each["id"] for each in listed["items"]], listed["next_cursor"]) == ([2], 2)
    assert json.loads(run(does, "list", "--json").stdout)["next_cursor"] is None


def test_json_has_everything(does: FakeOperations) -> None:
    (shown,) = json.loads(run(does, "list", "--waiting", "--json").stdout)["items"]

    assert shown == {
        "id": 4, "subscriber": "mail", "event_type": "user.registered",
        "user_id": str(does.outbox.deliveries[3].user_id), "created_at": "2030-01-01T12:00:00Z",
        "due_at": "2030-01-01T12:15:00Z", "attempts": 10, "parked_at": None, "last_error": None,
    }  # fmt: skip


def test_nothing_to_list_is_no_error(does: FakeOperations) -> None:
    does.outbox.deliveries = []

    assert (run(does, "list").exit_code, run(does, "list").stdout) == (0, "")
    assert run(does, "list").stderr == "Nothing is parked.\n"
    assert run(does, "list", "--waiting").stderr == "Nothing is waiting.\n"


def test_some_are_tried_again_or_all_that_were_given_up(does: FakeOperations) -> None:
    assert run(does, "retry", "1", "4", "1").stdout == "2 deliveries are tried again.\n"
    assert does.outbox.retried == [1, 4]
    assert run(does, "retry", "--all-parked").stdout == "3 deliveries are tried again.\n"
    assert does.outbox.retried == [1, 2, 3]


@pytest.mark.parametrize("command", [["retry"], ["drop", "--yes"]])
def test_what_is_not_there_or_under_way_is_exit_code_3(does: FakeOperations, command: list[str]) -> None:
    does.outbox.busy = {2}

    ran = run(does, *command, "9", "2", "1")

    assert (ran.exit_code, ran.stdout.split(" ", 1)[0]) == (3, "1")
    assert ran.stderr.endswith(": 9, 2\n")


@pytest.mark.parametrize("typed", ["n\n", "\n", ""])
def test_dropping_asks_and_takes_no_answer_for_no(does: FakeOperations, typed: str) -> None:
    for arguments, what in ((["1", "2"], "delivery 1, 2"), (["--all-parked"], "everything that is parked")):
        ran = run(does, "drop", *arguments, typed=typed)
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert f"Drop {what} for good?" in ran.stderr
    assert len(does.outbox.deliveries) == 4


def test_what_is_dropped_is_gone(does: FakeOperations) -> None:
    assert run(does, "drop", "4", typed="y\n").stdout == "1 delivery is dropped.\n"
    assert run(does, "drop", "--all-parked", "--yes").stdout == "3 deliveries are dropped.\n"
    assert run(does, "drop", "--all-parked", "--yes").stdout == "0 deliveries are dropped.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["retry"], ["drop", "--yes"], ["retry", "1", "--all-parked"], ["retry", "0"], ["retry", "x"], ["retry", "-1"],
        ["retry", str(2**63)], ["list", "--limit", "0"], ["list", "--limit", "1001"], ["list", "--after", "-1"],
        ["list", "--after", str(2**63)], ["list", "1"],
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(does: FakeOperations, arguments: list[str]) -> None:
    assert run(does, *arguments).exit_code == 2


def test_the_worker_runs_until_it_ends(does: FakeOperations) -> None:
    assert CliRunner().invoke(command_line, ["worker"], obj=does).exit_code == 0
    assert does.worked == 1
