"""Which test shows which line of the security requirements: `test_l05_l06_...` shows L05 and L06.

The lines are in docs/security-requirements.toml; docs/security.md has the table, below what is written by hand.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "docs" / "security-requirements.toml"
PAGE = ROOT / "docs" / "security.md"
MARK = "<!-- `make docs` writes what follows. -->\n"
OBLIGATORY = frozenset({"critical", "high"})

_NAMED = re.compile(r"test_(?P<lines>(?:[a-z]\d\d_)+)(?P<rest>\w+)")
_TEST = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Line:
    """One requirement; ``open`` is what no test shows, and with ``not_yet``, the reason, it does not bind so far."""

    id: str
    area: str
    severity: str
    says: str
    source: str
    not_yet: str = ""
    open: str = ""


@dataclass(frozen=True)
class NamedTest:
    """A test and the lines in its name; ``path`` is below the root of the repository."""

    lines: tuple[str, ...]
    sentence: str
    path: str


Shown = Mapping[str, Sequence[NamedTest]]


def requirements(path: Path = REQUIREMENTS) -> list[Line]:
    areas = tomllib.loads(path.read_text(encoding="utf-8"))["area"]
    return [Line(id=name, area=area["name"], **fields) for area in areas for name, fields in area["line"].items()]


def shown_by_name(folder: Path = ROOT / "tests") -> dict[str, list[NamedTest]]:
    """By the line's id; also of lines that there are not."""
    shown: dict[str, list[NamedTest]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for test in _named_in(path, folder.parent):
            for line in test.lines:
                shown.setdefault(line, []).append(test)
    return shown


def faults(lines: Sequence[Line], shown: Shown) -> list[str]:
    """What a check has to refuse, a sentence each."""
    known = {line.id for line in lines}
    unknown = [
        f"{test.path} names {line}, which is no line of {REQUIREMENTS.name}."
        for line in shown.keys() - known
        for test in shown[line]
    ]
    binding = [line for line in lines if not line.not_yet and line.id not in shown]
    untested = [
        f"{line.id} ({line.severity}) has no test: name one test_{line.id.lower()}_..."
        for line in binding
        if line.severity in OBLIGATORY
    ]
    silent = [
        f"{line.id} has neither a test nor an `open` that says what is missing."
        for line in binding
        if line.severity not in OBLIGATORY and not line.open
    ]
    return sorted(unknown) + untested + silent


def page(lines: Sequence[Line], shown: Shown, path: Path = PAGE) -> str:
    """The whole page: what is written by hand, and the tables below the mark."""
    by_hand, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise ValueError(f"{path} has lost its mark: {MARK}")
    return by_hand + mark + "\n".join(_generated(lines, shown))


def _named_in(path: Path, root: Path) -> Iterator[NamedTest]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, _TEST) and (named := _NAMED.fullmatch(node.name)):
            lines = tuple(named["lines"].upper().rstrip("_").split("_"))
            yield NamedTest(lines, named["rest"].replace("_", " "), path.relative_to(root).as_posix())


def _generated(lines: Sequence[Line], shown: Shown) -> Iterator[str]:
    binding = [line for line in lines if not line.not_yet]
    obligatory = [line for line in binding if line.severity in OBLIGATORY]
    tests = {test for line in lines for test in shown.get(line.id, ())}
    yield "\n## How it stands\n"
    yield (
        f"Of {len(lines)} lines {len(binding)} bind, of which {len(obligatory)} are critical or high. "
        f"{sum(line.id in shown for line in binding)} have tests named after them, {len(tests)} in all; "
        f"the subject of {len(lines) - len(binding)} does not exist yet."
    )
    yield "\n## What is open\n"
    yield from _bullets((line.id, line.open) for line in binding if line.open)
    yield "\n## What does not bind yet\n"
    yield from _bullets((line.id, line.not_yet) for line in lines if line.not_yet)
    yield "\n## Line by line"
    for area in dict.fromkeys(line.area for line in lines):
        yield f"\n### {area}\n\n| line | severity | what is asked for | source | shown by |"
        yield "| --- | --- | --- | --- | --- |"
        yield from (_row(line, shown.get(line.id, ())) for line in lines if line.area == area)
    yield ""


def _bullets(said: Iterator[tuple[str, str]]) -> Iterator[str]:
    bullets = [f"- **{line}**: {text}" for line, text in said]
    yield from bullets or ["Nothing."]


def _row(line: Line, tests: Sequence[NamedTest]) -> str:
    links = [f"[{test.sentence}](../{test.path})" for test in tests]
    if line.not_yet:
        links.insert(0, "*not yet*")
    cells = (f"**{line.id}**", line.severity, line.says, line.source, "<br>".join(links) or "*open*")
    return "| " + " | ".join(cells) + " |"
