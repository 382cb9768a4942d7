"""Our Markdown, taken apart: sections, code blocks, tables, links."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "guides"
DECISIONS = ROOT / "docs" / "decisions"

_FENCED = re.compile(r"^```(?P<language>[a-z]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(?P<marks>#{1,6}) (?P<title>.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Document:
    """One file; ``str`` of it is its path in the repository."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCED.sub("", self.text)

    @property
    def links(self) -> list[str]:
        return [match["target"] for match in _LINK.finditer(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """What a link may name behind ``#``, by GitHub's rule."""
        titles = [match["title"].lower().replace("`", "") for match in _HEADING.finditer(self.prose)]
        return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}

    def section(self, title: str) -> str:
        """What stands between a heading and the next one of its rank or above."""
        outside = _FENCED.sub(lambda block: "`" * len(block[0]), self.text)
        headings = list(_HEADING.finditer(outside))
        start = next(heading for heading in headings if heading["title"] == title)
        later = (one for one in headings if one.start() > start.start() and len(one["marks"]) <= len(start["marks"]))
        end = next(later, None)
        return self.text[start.end() : end.start() if end else None]

    def code(self, language: str, *, section: str) -> str:
        """The code blocks of a section in a language, one after the other."""
        blocks = [match["code"] for match in _FENCED.finditer(self.section(section)) if match["language"] == language]
        assert blocks, f"{self} has no {language} under {section}"
        return "\n".join(blocks)

    def table(self, *, section: str) -> dict[str, list[str]]:
        """The cells of a section's tables by the first one, backquotes kept."""
        lines = [line for line in self.section(section).splitlines() if line.startswith("| ")]
        rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
        return {row[0]: row[1:] for row in rows if not row[0].startswith("-")}


def documents() -> list[Document]:
    """All that people read."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [Document(path) for path in sorted(paths)]


README = Document(ROOT / "README.md")
OPERATOR_GUIDE = Document(GUIDES / "operator.md")
CLIENT_GUIDE = Document(GUIDES / "api-client.md")
CONTRIBUTOR_GUIDE = Document(GUIDES / "contributor.md")
BASE_URL = "http://127.0.0.1:8000"
"""Where the documents say that the server is."""
