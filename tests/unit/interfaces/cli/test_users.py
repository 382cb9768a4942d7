"""The commands for accounts: what they print, where, and their exit codes."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from application.accounts.ports import UserQuery
from domain.accounts.profile import Profile
from domain.accounts.user import UserStatus
from domain.errors import InvalidInput, ServiceUnavailable, Violation
from interfaces.cli.commands import command_line
from interfaces.cli.operations import Listing, OperationFailed
from interfaces.http import wire
from tests.support.builders import new_id, user_named
from tests.unit.interfaces.cli.fake_operations import FakeOperations

EVIL = "\x1b[2J\u202eAda\n"


@pytest.fixture
def does() -> FakeOperations:
    does = FakeOperations()
    does.users.accounts = [user_named(f"user-{number}") for number in range(5)]
    return does


def run(does: FakeOperations, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(command_line, ["users", *arguments], obj=does, input=typed)


def test_json_has_the_names_of_http(does: FakeOperations) -> None:
    does.users.accounts[0] = replace(does.users.accounts[0], photo_id="a-photo")

    shown = json.loads(run(does, "show", "user-0", "--json").stdout)

    assert tuple(shown) == wire.User.__struct_fields__
    assert shown["id"] == str(does.users.accounts[0].id)
    assert shown["created_at"] == "2030-01-01T12:00:00Z"
    assert shown["picture"] == "https://auth.example.test/v1/photos/a-photo"


def test_an_account_is_shown_a_line_a_field(does: FakeOperations) -> None:
    ran = run(does, "show", "user-0")

    assert ran.exit_code == 0
    assert "username        user-0\n" in ran.stdout
    assert "email_verified  no\n" in ran.stdout


@pytest.mark.parametrize("command", [["show"], ["disable"], ["enable"], ["show", "--json"], ["disable", "--json"]])
def test_nobody_of_that_name_is_exit_code_3(does: FakeOperations, command: list[str]) -> None:
    ran = run(does, *command, "nobody")

    assert (ran.exit_code, ran.stdout) == (3, "")
    assert "user_not_found" in ran.stderr


@pytest.mark.parametrize("refusal", [ServiceUnavailable(), OperationFailed("The database sleeps.")])
def test_a_failure_is_exit_code_1_with_its_reason(does: FakeOperations, refusal: Exception) -> None:
    does.users.refusal = refusal

    for command in (["show", "user-0"], ["list"], ["search", "x"], ["disable", "user-0"]):
        for output in ([], ["--json"]):
            ran = run(does, *command, *output)
            assert (ran.exit_code, ran.stdout) == (1, "")
            assert str(refusal) in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"], ["search"], ["search", ""], ["search", " "], ["search", EVIL], ["search", "x" * 255],
        ["search", "\udcff"], ["list", "--limit", "0"], ["list", "--limit", "1001"], ["list", "--after", "7"],
        ["list", "--status", "gone"], ["list", "user-0"], ["disable"], ["enable", "a", "b"], ["nothing"],
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2_and_asks_nothing(does: FakeOperations, arguments: list[str]) -> None:
    assert run(does, *arguments).exit_code == 2
    assert does.users.asked == []


def test_a_list_says_where_it_goes_on(does: FakeOperations) -> None:
    ran = run(does, "list", "--limit", "3")

    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["USERNAME", "user-0", "user-1", "user-2"]
    assert f"--after {does.users.accounts[2].id}" in ran.stderr


def test_a_list_is_one_json_document_however_many_pages(does: FakeOperations) -> None:
    for limit, cursor in (("4", str(does.users.accounts[3].id)), ("5", None)):
        listed = json.loads(run(does, "list", "--json", "--limit", limit).stdout)
        assert list(listed) == ["items", "next_cursor"]
        assert [user["username"] for user in listed["items"]] == [f"user-{number}" for number in range(int(limit))]
        assert listed["next_cursor"] == cursor
    assert len(json.loads(run(does, "list", "--json", "--all").stdout)["items"]) == 5
    assert len(run(does, "list", "--all").stdout.splitlines()) == 6


def test_nothing_found_is_no_error(does: FakeOperations) -> None:
    does.users.accounts = []

    plain, as_json = run(does, "search", "x"), run(does, "search", "x", "--json")

    assert (plain.exit_code, plain.stdout, plain.stderr) == (0, "", "No account matches.\n")
    assert (as_json.exit_code, json.loads(as_json.stdout)) == (0, {"items": [], "next_cursor": None})


def test_what_is_asked_for_reaches_the_directory(does: FakeOperations) -> None:
    after = new_id()
    run(does, "search", "ÖZ", "--status", "disabled", "--after", str(after), "--limit", "7")
    run(does, "list")
    run(does, "list", "--all")

    assert does.users.asked == [
        Listing(query=UserQuery(text="ÖZ", status=UserStatus.DISABLED), after=after, limit=7),
        Listing(query=UserQuery(), after=None, limit=50),
        Listing(query=UserQuery(), after=None, limit=None),
    ]


@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["show", "user-0"], ["show", "user-0", "--json"]])
def test_g03_a_stored_name_does_not_steer_the_terminal(does: FakeOperations, command: list[str]) -> None:
    """G03. The rules of names refuse such a one; an import or an older version may not have."""
    user = does.users.accounts[0]
    does.users.accounts[0] = replace(user, profile=Profile(display_name=EVIL))

    shown = run(does, *command).stdout

    assert r"\u202e" in shown
    assert all(character.isprintable() for character in shown.replace("\n", ""))


def test_a_refusal_that_quotes_what_was_stored_does_not_either(does: FakeOperations) -> None:
    does.users.refusal = InvalidInput(violations=[Violation("email", "invalid_email", EVIL)])

    assert r"\x1b[2J\u202eAda\n" in run(does, "show", "user-0").stderr


def test_disabling_and_enabling_say_what_is_now(does: FakeOperations) -> None:
    said = [run(does, command, "user-0").stdout for command in ("disable", "disable", "enable", "enable")]

    assert said == [
        "user-0 is disabled.\n",
        "user-0 is disabled already; nothing was changed.\n",
        "user-0 is active.\n",
        "user-0 is active already; nothing was changed.\n",
    ]


def test_twice_is_no_failure_for_scripts(does: FakeOperations) -> None:
    for _ in range(2):
        ran = run(does, "disable", "user-0", "--json")
        assert (ran.exit_code, json.loads(ran.stdout)["status"]) == (0, "disabled")


def test_a_password_comes_from_standard_input_or_a_prompt_that_shows_nothing(does: FakeOperations) -> None:
    named = ["create", "--email", "ada@example.test", "--username", "ada"]
    for options, typed in ((["--password-stdin"], "a secret of ada\n"), ([], "a secret of ada\n" * 2)):
        ran = run(does, *named, *options, typed=typed)
        assert ran.exit_code == 0
        assert "secret" not in ran.output
    assert [registration.password for registration in does.users.asked] == ["a secret of ada"] * 2


def test_g02_no_option_takes_a_secret() -> None:
    """It would stand in the shell's history and in the list of processes."""
    assert run(FakeOperations(), "create", "--password", "x").exit_code == 2


def test_every_field_of_a_profile_can_be_given(does: FakeOperations) -> None:
    profile = {
        "given-name": "Ada", "family-name": "Lovelace", "display-name": "Countess", "phone-number": "+442079460123",
        "locale": "en-GB", "zoneinfo": "Europe/London",
    }  # fmt: skip
    options = [part for name, value in profile.items() for part in (f"--{name}", value)]
    run(does, "create", "--email", "a@b.test", "--username", "ada", "--password-stdin", *options, typed="x\n")

    (registration,) = does.users.asked
    for name, value in profile.items():
        assert getattr(registration, name.replace("-", "_")) == value


def test_p12_a_reset_prints_the_link_and_nothing_else(does: FakeOperations) -> None:
    """P12. So that a script can hand it on."""
    ran = run(does, "reset-password", "user-0")

    assert (ran.exit_code, ran.stdout) == (0, "https://auth.example.test/a-link\n")
    assert ran.stderr == "For user-0, once, before 2030-01-01 12:00 UTC.\n"
    assert json.loads(run(does, "reset-password", "user-0", "--json").stdout) == {
        "url": "https://auth.example.test/a-link",
        "expires_at": "2030-01-01T12:00:00Z",
    }


def test_a_reset_of_a_disabled_account_says_that_it_will_not_do(does: FakeOperations) -> None:
    run(does, "disable", "user-0")

    assert "is disabled" in run(does, "reset-password", "user-0").stderr
    assert run(does, "reset-password", "nobody").exit_code == 3


@pytest.mark.parametrize("typed", ["n\n", "\n", ""])
def test_deleting_asks_about_the_account_and_takes_no_answer_for_no(does: FakeOperations, typed: str) -> None:
    user = does.users.accounts[0]

    ran = run(does, "delete", "user-0", typed=typed)

    assert (ran.exit_code, ran.stdout) == (1, "")
    assert f"{user.username.original} ({user.email.original}, {user.id})" in ran.stderr
    assert user in does.users.accounts


def test_an_account_is_deleted_once(does: FakeOperations) -> None:
    assert run(does, "delete", "user-0", typed="y\n").stdout == "user-0 is deleted.\n"
    assert json.loads(run(does, "delete", "user-1", "--yes", "--json").stdout)["username"] == "user-1"
    assert run(does, "delete", "user-1", "--yes").exit_code == 3
    assert len(does.users.accounts) == 3
