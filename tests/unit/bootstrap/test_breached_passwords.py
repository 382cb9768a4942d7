"""The command that builds filters, and which one is in force."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bootstrap.breached_passwords import STARTER_FILE, breached_passwords_of, filter_in_force
from bootstrap.operations import ServiceOperations
from domain.credentials.password import Password, PasswordPolicy
from infrastructure.passwords.breached.filter_file import FilterFile
from infrastructure.passwords.breached.filter_format import FilterRefused
from infrastructure.passwords.strength import ZxcvbnStrengthEstimator
from interfaces.cli.commands import command_line
from tests.support.filters import hash_lines, range_folder

PUBLISHED = [f"a password that got out {number}" for number in range(40)]
STARTERS = ("jacksonToniMontana87", "baseballferhat_aliyev", "dbrabble-griffon")
"""Long, published, and not known to whoever judges by patterns."""


def build(*arguments: str | Path, typed: str | None = None) -> Result:
    command = ["passwords", "build-filter", *map(str, arguments), "--processes", "1"]
    return CliRunner().invoke(command_line, command, obj=ServiceOperations(), input=typed)


def known(path: Path, text: str) -> bool:
    with FilterFile(path).opened() as filter_file:
        return filter_file.includes(Password.given(text))


def test_a_filter_is_built_of_a_folder_and_says_what_is_missing(tmp_path: Path) -> None:
    folder, output = range_folder(tmp_path / "ranges", PUBLISHED), tmp_path / "filter"

    result = build(folder, "--output", output)

    assert result.exit_code == 0
    assert f"{output}: 40 passwords" in result.stdout
    assert f"1,048,536 of the 1,048,576 range files are not in {folder}" in result.stderr
    assert all(known(output, text) for text in PUBLISHED)
    in_force = filter_in_force(str(output))
    assert in_force
    assert (in_force.description.source, in_force.description.ranges, in_force.bits) == ("ranges", 40, 16)
    assert (in_force.age_in_days, in_force.is_starter, in_force.size) == (0, False, output.stat().st_size)


def test_a_filter_is_built_of_standard_input(tmp_path: Path) -> None:
    lines = sorted(hash_lines(PUBLISHED[:20], 2) + hash_lines(PUBLISHED[20:], 3))

    result = build("-", "--output", tmp_path / "filter", "--min-count", "3", "--bits", "8", typed="\n".join(lines))

    assert "20 passwords" in result.stdout
    assert known(tmp_path / "filter", PUBLISHED[20])
    in_force = filter_in_force(str(tmp_path / "filter"))
    assert in_force
    assert (in_force.description.min_count, in_force.description.source, in_force.bits) == (3, "standard input", 8)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ("letmein\n", "has lines that are not"),
        ("\n".join(reversed(hash_lines(PUBLISHED))), "not in order"),
        ("", "no password"),
    ],
)
def test_what_is_no_such_list_is_refused_in_a_sentence(tmp_path: Path, contents: str, said: str) -> None:
    (tmp_path / "list").write_text(contents)

    result = build(tmp_path / "list", "--output", tmp_path / "filter")

    assert result.exit_code == 1
    assert result.stderr.startswith("crm-auth: ")
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["list"]


def test_a_place_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("\n".join(hash_lines(PUBLISHED)))

    for source, output, said in (
        (tmp_path / "nowhere", tmp_path / "filter", "nowhere: No such file or directory."),
        (tmp_path / "list", tmp_path / "no" / "filter", "No such file or directory."),
    ):
        result = build(source, "--output", output)
        assert (result.exit_code, said in result.stderr) == (1, True), result.stderr


def test_s03_the_starter_filter_knows_long_passwords_that_no_pattern_betrays() -> None:
    in_force = filter_in_force("starter")

    assert in_force
    assert (in_force.is_starter, in_force.path) == (True, STARTER_FILE)
    assert in_force.description.entries > 300_000
    for text in STARTERS:
        assert PasswordPolicy().parse(text)
        assert ZxcvbnStrengthEstimator().weakness(Password.given(text), ()) is None
        assert known(STARTER_FILE, text)


def test_off_knows_nothing() -> None:
    with breached_passwords_of("off").opened() as breached:
        assert not breached.includes(Password.given(STARTERS[0]))
    assert filter_in_force("off") is None


def test_one_that_is_damaged_is_not_in_force(tmp_path: Path) -> None:
    contents = bytearray(STARTER_FILE.read_bytes())
    contents[len(contents) // 2] ^= 1
    (tmp_path / "filter").write_bytes(contents)

    with pytest.raises(FilterRefused, match="is damaged"):
        filter_in_force(str(tmp_path / "filter"))
