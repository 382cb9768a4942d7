"""Every code that exists is explained, and nothing else is."""

import ast
from pathlib import Path

from domain.accounts.errors import EmailTaken, UsernameTaken
from domain.credentials.password import Weakness
from interfaces.http.problem_catalogue import FIELD_MEANINGS, PROBLEM_MEANINGS, errors_markdown, known_problems

SOURCE = Path(__file__).parents[4] / "src"
OF_THE_BODY = {"missing", "wrong_type", "unknown_field"}


def reasons_of_invalid_values() -> set[str]:
    """The first argument of each `InvalidValue(...)` in the source that is written out."""
    calls = (
        node
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "InvalidValue"
    )
    return {str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)}


def test_each_problem_is_explained() -> None:
    assert {problem.code for problem in known_problems()} == set(PROBLEM_MEANINGS)


def test_each_code_of_a_field_is_explained() -> None:
    reasons = reasons_of_invalid_values()
    assert "invalid_email" in reasons
    taken = {EmailTaken.code, UsernameTaken.code}
    assert set(FIELD_MEANINGS) == reasons | {weakness.value for weakness in Weakness} | OF_THE_BODY | taken


def test_the_document_names_all_of_them() -> None:
    document = errors_markdown()
    for problem in known_problems():
        assert f"| {problem.status} | `{problem.code}` | {problem.title} |" in document
    for code in FIELD_MEANINGS:
        assert f"| `{code}` |" in document
    assert all(line.count("|") in {0, 3, 5} for line in document.splitlines())
