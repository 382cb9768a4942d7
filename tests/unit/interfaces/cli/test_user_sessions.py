"""The commands for somebody's sessions."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from domain.sessions.session import Session
from interfaces.cli.commands import command_line
from interfaces.http import wire
from tests.support.builders import NOON, session_of, user_named
from tests.unit.interfaces.cli.fake_operations import FakeOperations


@pytest.fixture
def does() -> FakeOperations:
    does = FakeOperations()
    ada = user_named("ada")
    does.users.accounts = [ada]
    does.sessions.live = [replace(session_of(ada.id), device="Firefox on Windows"), session_of(ada.id)]
    return does


def run(does: FakeOperations, *arguments: str) -> Result:
    return CliRunner().invoke(command_line, ["users", *arguments], obj=does)


def test_a_session_says_where_how_and_until_when(does: FakeOperations) -> None:
    title, first, second = run(does, "sessions", "ada").stdout.splitlines()

    assert title.split("  ")[0] == "DEVICE"
    assert "Firefox on Windows  203.0.113.7  pwd  2030-01-01 12:00  2030-01-01 12:00  2030-01-01 13:00 idle" in first
    assert second.startswith("Ada's browser "), "what it calls itself, where nobody could tell what it is"
    assert first.endswith(str(does.sessions.live[0].id))


def test_json_has_the_names_of_http_and_the_end(does: FakeOperations) -> None:
    listed = json.loads(run(does, "sessions", "ada", "--json").stdout)

    assert list(listed) == ["items", "next_cursor"]
    names = [name for name in wire.Session.__struct_fields__ if name != "current"]
    assert [list(session) for session in listed["items"]] == [[*names, "ends_at", "ends_by"]] * 2


@pytest.mark.parametrize(
    ("moved", "why"), [(timedelta(), "absolute"), (timedelta(seconds=-1), "idle"), (timedelta(seconds=1), "absolute")]
)
def test_the_end_that_comes_first_is_the_end(does: FakeOperations, moved: timedelta, why: str) -> None:
    end = NOON + timedelta(hours=5)
    session: Session = does.sessions.live[0]
    does.sessions.live = [replace(session, expires_at=end, idle_expires_at=end + moved)]

    (shown,) = json.loads(run(does, "sessions", "ada", "--json").stdout)["items"]

    assert shown["ends_by"] == why
    assert shown["ends_at"] == min(shown["idle_expires_at"], shown["expires_at"])


def test_g03_a_user_agent_does_not_steer_the_terminal(does: FakeOperations) -> None:
    does.sessions.live = [replace(does.sessions.live[1], user_agent="\x1b]0;owned\x07")]

    assert r"\x1b]0;owned\x07" in run(does, "sessions", "ada").stdout


def test_no_session_is_no_error(does: FakeOperations) -> None:
    does.sessions.live = []

    ran = run(does, "sessions", "ada")

    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "No session is live.\n")


def test_ending_says_what_has_ended(does: FakeOperations) -> None:
    gone = str(does.sessions.live[0].id)

    assert run(does, "end-sessions", "ada", "--session", gone).stdout == f"Session {gone} of ada has ended.\n"
    again = run(does, "end-sessions", "ada", "--session", gone)
    assert (again.exit_code, again.stdout) == (3, "")
    assert run(does, "end-sessions", "ada").stdout == "All sessions of ada have ended.\n"
    assert json.loads(run(does, "end-sessions", "ada", "--json").stdout)["username"] == "ada"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["sessions"], 2),
        (["sessions", "bob"], 3),
        (["end-sessions", "bob"], 3),
        (["end-sessions", "ada", "--session", "1"], 2),
    ],
)
def test_exit_codes_tell_usage_from_nobody(does: FakeOperations, arguments: list[str], code: int) -> None:
    assert run(does, *arguments).exit_code == code
