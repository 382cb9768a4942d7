"""The table of security requirements: read from the names of tests, and a check that misses nothing."""

from pathlib import Path

import pytest

from tools import security_lines
from tools.security_lines import Line

HIGH = Line("L06", "Sign-in", "high", "Nobody is locked out", "ASVS 6.1.1")
LOW = Line("L14", "Sign-in", "low", "It is told", "ASVS 6.3.5")

TESTS = """
class TestMore:
    async def test_l05_l06_guesses_hurt_nobody(): ...

def test_l06_a_second_one(): ...
def test_without_a_line(): ...
def test_x1_is_no_line(): ...
def helper_l06_is_no_test(): ...
"""


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_it.py").write_text(TESTS, encoding="utf-8")
    return tmp_path / "tests"


def test_a_test_shows_the_lines_of_its_name(tests: Path) -> None:
    shown = security_lines.shown_by_name(tests)
    assert {line: sorted(test.sentence for test in found) for line, found in shown.items()} == {
        "L05": ["guesses hurt nobody"],
        "L06": ["a second one", "guesses hurt nobody"],
    }
    assert {test.path for found in shown.values() for test in found} == {"tests/unit/test_it.py"}


def test_an_unknown_line_and_one_without_a_test_are_faults(tests: Path) -> None:
    unknown, untested, silent = security_lines.faults(
        [HIGH, Line("L01", "Sign-in", "critical", "Alike", ""), LOW], security_lines.shown_by_name(tests)
    )
    assert unknown == "tests/unit/test_it.py names L05, which is no line of security-requirements.toml."
    assert untested.startswith("L01 (critical) has no test")
    assert silent.startswith("L14 has neither a test nor")


def test_what_is_open_is_no_excuse_for_what_is_obligatory() -> None:
    said = {"says": "", "source": "", "open": "nothing shows it"}
    assert security_lines.faults([Line("L14", "Sign-in", "low", **said)], {}) == []
    assert len(security_lines.faults([Line("L06", "Sign-in", "high", **said)], {})) == 1


def test_what_does_not_bind_needs_no_test() -> None:
    assert security_lines.faults([Line("L15", "Sign-in", "high", "", "", not_yet="there are no codes")], {}) == []


def test_the_page_keeps_what_is_written_by_hand(tests: Path, tmp_path: Path) -> None:
    page = tmp_path / "security.md"
    page.write_text(f"# By hand\n\n{security_lines.MARK}what was there\n", encoding="utf-8")
    text = security_lines.page([HIGH, LOW], security_lines.shown_by_name(tests), page)
    assert text.startswith(f"# By hand\n\n{security_lines.MARK}")
    assert "what was there" not in text
    assert "[a second one](../tests/unit/test_it.py)" in text
    assert "Of 2 lines 2 bind, of which 1 are critical or high. 1 have tests" in text


def test_a_page_without_its_mark_is_not_overwritten(tmp_path: Path) -> None:
    page = tmp_path / "security.md"
    page.write_text("# By hand\n", encoding="utf-8")
    with pytest.raises(ValueError, match="mark"):
        security_lines.page([], {}, page)


def test_every_line_is_of_its_area_and_says_something() -> None:
    lines = security_lines.requirements()
    assert len({line.id for line in lines}) == len(lines) >= 151
    for line in lines:
        assert line.severity in {"critical", "high", "medium", "low"}
        assert line.says, line.id
        assert line.source, line.id
        assert not (line.not_yet and line.open), line.id
    letters = {line.area: line.id[0] for line in lines}
    assert all(line.id[0] == letters[line.area] for line in lines)
