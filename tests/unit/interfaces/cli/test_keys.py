"""``crm-auth keys`` as people see it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from click.testing import CliRunner, Result

from interfaces.cli.commands import command_line
from interfaces.cli.key_operations import SigningKeyStatus
from tests.support.builders import NOON


def key(state: str, kid: str) -> SigningKeyStatus:
    return SigningKeyStatus(
        kid=kid, algorithm="ES256", state=state, created_at=NOON, activated_at=NOON, retired_at=None
    )


@dataclass
class FakeKeys:
    found: list[SigningKeyStatus] = field(default_factory=lambda: [key("next", "second"), key("active", "first")])
    asked: list[str] = field(default_factory=list)

    def list(self) -> Sequence[SigningKeyStatus]:
        return self.found

    def rotate(self, *, at_once: bool) -> Sequence[SigningKeyStatus]:
        self.asked.append("at once" if at_once else "planned")
        return self.found

    def revoke(self, kid: str) -> Sequence[SigningKeyStatus] | None:
        self.asked.append(kid)
        return self.found if kid in {each.kid for each in self.found} else None


@dataclass
class FakeOperations:
    keys: FakeKeys = field(default_factory=FakeKeys)


def run(does: FakeOperations, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(command_line, ["keys", *arguments], obj=does, input=typed)


def test_keys_are_listed_line_by_line() -> None:
    header, *rows = run(FakeOperations(), "list").stdout.splitlines()
    assert header.split()[:3] == ["KEY", "ID", "STATE"]
    assert [row.split()[:2] for row in rows] == [["second", "next"], ["first", "active"]]


def test_no_key_is_no_error() -> None:
    result = run(FakeOperations(FakeKeys([])), "list")
    assert (result.exit_code, result.stdout, "no key yet" in result.stderr) == (0, "", True)


def test_a_rotation_waits_unless_told_otherwise() -> None:
    does = FakeOperations()
    assert run(does, "rotate").exit_code == run(does, "rotate", "--at-once").exit_code == 0
    assert does.keys.asked == ["planned", "at once"]


def test_k08_a_revocation_asks_first() -> None:
    does = FakeOperations()
    assert run(does, "revoke", "first", typed="n\n").exit_code == 1
    assert does.keys.asked == []
    assert run(does, "revoke", "first", typed="y\n").exit_code == 0
    assert run(does, "revoke", "third", "--yes").exit_code == 3
    assert does.keys.asked == ["first", "third"]


def test_the_id_of_a_key_may_begin_like_an_option() -> None:
    """One in 64 does: 43 characters of base64url."""
    does = FakeOperations(FakeKeys([key("active", kid) for kid in ("-hyphen", "--yes-no")]))
    for arguments in (["-hyphen", "--yes"], ["--yes", "-hyphen"], ["--yes", "--", "-hyphen"], ["--yes-no", "--yes"]):
        assert run(does, "revoke", *arguments).exit_code == 0
    assert does.keys.asked == ["-hyphen"] * 3 + ["--yes-no"]
    assert run(does, "revoke", "-h").exit_code == run(does, "revoke", "-hyphen", "--json", typed="y\n").exit_code == 0
    assert run(does, "revoke", "--yes").exit_code == run(does, "revoke", "one", "two").exit_code == 2
