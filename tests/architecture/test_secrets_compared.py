"""Secrets are compared in constant time, or found by their digest; never by `==`, which ends where they differ."""

import ast
import re
from pathlib import Path

from tests.support.documents import ROOT

SECRET = re.compile(r"digest|mac\b|signature|secret|\btag\b|password|hash\b|\btoken\b", re.IGNORECASE)
HARMLESS = {
    "settings.password_scheme == 'bcrypt'": "a name",
    "violation.field == 'token'": "the name of a field",
    "len(secret) != _SECRET_LENGTH": "a length that everybody knows",
    "request.query_params.get('v') == asset.digest": "of a public file",
    "new_password != fields.get('repeated', '')": "both by the same hand",
    "head.previous != last.digest": "a chain that everybody may read",
    "previous == head.hash": "a chain that everybody may read",
    "functions.get(name) != digest": "of the text of a function",
    "name == b'x-device-token'": "the name of a header",
    "_digest(fields, description, table) != digest": "of a published file",
}


def _comparisons(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    equals = (node for node in ast.walk(tree) if isinstance(node, ast.Compare))
    return [
        text
        for node in equals
        if any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        and SECRET.search(text := ast.unparse(node))
    ]


def test_k14_no_secret_is_compared_by_equals() -> None:
    sources = [path for path in (ROOT / "src").rglob("*.py") if "assets" not in path.parts]
    assert len(sources) > 200
    found = {(path.name, text) for path in sources for text in _comparisons(path)}
    assert {(name, text) for name, text in found if text not in HARMLESS} == set()
    assert sum("compare_digest" in path.read_text(encoding="utf-8") for path in sources) >= 2
