"""The documents are in step with the code, and their links lead somewhere."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

import click
import pytest

from bootstrap.operations import ServiceOperations
from domain.sessions.session import EndReason
from interfaces.cli.commands import command_line
from interfaces.cli.operations import SettingInForce
from interfaces.http.problem_catalogue import FIELD_MEANINGS, PROBLEM_MEANINGS
from tests.support.documents import (
    CLIENT_GUIDE,
    CONTRIBUTOR_GUIDE,
    DECISIONS,
    OPERATOR_GUIDE,
    README,
    ROOT,
    Document,
    documents,
)
from tests.support.server import SOURCES, environment_of
from tests.unit.domain.test_events import EVENTS

ALL = documents()
RECORDS = [Document(path) for path in sorted(DECISIONS.glob("[0-9]*.md"))]
RECORD_SECTIONS = ["Context", "Decision", "Consequences", "Alternatives", "Governs"]
RECORD_LINES = 60
"""A page."""
_SETTING = r"^    (\w+): .+ = setting\("
"""One that a page adds."""
SERVICE_FILES = ("src/", "tests/", "tools/", "docs/", "requirements/", "benchmarks/")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, SettingInForce]:
    """The defaults, by variable."""
    monkeypatch.setattr("os.environ", environment_of({}))
    return {item.variable: item for item in ServiceOperations().settings()}


def commands(group: click.Group, *path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join(("crm-auth", *path, name))


@pytest.mark.parametrize("document", ALL, ids=str)
def test_links_lead_somewhere(document: Document) -> None:
    for target in document.links:
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        there = (document.path.parent / unquote(path)).resolve() if path else document.path
        assert there.exists(), target
        assert not anchor or anchor in Document(there).anchors, target


@pytest.mark.parametrize("document", ALL, ids=str)
def test_files_that_are_named_exist(document: Document) -> None:
    for named in re.findall(r"`([\w./-]+)`", document.prose):
        if named.startswith(SERVICE_FILES):
            assert (ROOT / named).exists(), named


@pytest.mark.parametrize("document", ALL, ids=str)
def test_variables_that_are_named_exist(document: Document, settings: dict[str, SettingInForce]) -> None:
    introduced = {f"CRM_AUTH_{name.upper()}" for name in re.findall(_SETTING, document.text, re.MULTILINE)}
    for named in re.findall(r"\bCRM_AUTH_[A-Z_]*[A-Z]\b", document.text):
        assert named.removesuffix("_FILE") in {*settings, *introduced}, named


@pytest.mark.parametrize("document", ALL, ids=str)
def test_make_targets_that_are_named_exist(document: Document) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for command in re.findall(r"(?:`|^)make ([a-z ]+)", document.text, re.MULTILINE):
        assert set(command.split()) <= targets, command


def test_operator_guide_has_every_setting_with_its_default(settings: dict[str, SettingInForce]) -> None:
    table = OPERATOR_GUIDE.table(section="Settings")
    del table["setting"]
    assert [name.strip("`") for name in table] == list(settings), "in the order of `crm-auth config`"
    for name, (default, meaning, reason) in table.items():
        in_force = settings[name.strip("`")].value
        assert default == f"`{in_force}`" if in_force else "`" not in default, name
        assert meaning, name
        assert reason, name


def test_operator_guide_has_every_event() -> None:
    table = OPERATOR_GUIDE.table(section="What is recorded")
    shown = {name for row in table for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", row)}
    kinds = "|".join(sorted({name.partition(".")[0] for name in shown} - {"sign_up"}))  # sign_up.source is a limit
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    written = set(re.findall(rf"""["']((?:{kinds})\.(?!html|webp)[a-z_]+)["']""", source))
    assert {*written, *(type_ for _, type_, *_ in EVENTS)} == shown
    assert set(EndReason) <= set(re.findall(r"`(\w+)`", table["`session.ended`"][0]))


def test_operator_guide_has_every_command() -> None:
    table = OPERATOR_GUIDE.table(section="With a PostgreSQL of your own")
    assert {name.strip("`") for name in table if name != "command"} == set(commands(command_line))


def test_client_guide_names_codes_that_exist() -> None:
    known = {*PROBLEM_MEANINGS, *FIELD_MEANINGS}
    named = set(re.findall(r"\b\d{3} `(\w+)`", CLIENT_GUIDE.prose)) | set(
        re.findall(r"`(password_\w+)`", CLIENT_GUIDE.prose)
    )
    assert named
    assert named <= known


def test_refreshing_is_read_in_six_files() -> None:
    section = CONTRIBUTOR_GUIDE.section("One request through the rooms")
    assert len(re.findall(r"^\d\. `src/[\w/]+\.py`", section, re.MULTILINE)) == 6


def test_readme_names_the_two_commands() -> None:
    assert [line.split("#")[0].strip() for line in README.code("sh", section="Two commands").splitlines()] == [
        "make run",
        "make test",
    ]


def test_records_are_numbered_and_listed() -> None:
    """Each number once; those that were given away and not used stay free."""
    numbers = [record.path.name[:4] for record in RECORDS]
    assert len(set(numbers)) == len(numbers)
    assert Document(DECISIONS / "README.md").links == [record.path.name for record in RECORDS]


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_a_record_is_one_page_and_governs_files_that_exist(record: Document) -> None:
    assert record.text.startswith(f"# {record.path.name[:4]}. ")
    assert re.findall(r"^## (.+)$", record.text, re.MULTILINE) == RECORD_SECTIONS
    assert len(record.text.splitlines()) <= RECORD_LINES
    governed = re.findall(r"^- `([^`]+)`$", record.section("Governs"), re.MULTILINE)
    assert len(governed) == len(record.section("Governs").split("\n- ")) - 1
    assert governed
    for path in governed:
        assert (ROOT / path).is_file(), path


def test_lint_messages_name_records_that_exist() -> None:
    named = re.findall(r"docs/decisions/(\d{4})", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert named
    assert set(named) <= {record.path.name[:4] for record in RECORDS}
