"""Every code that exists is explained, and nothing else is."""

import ast
from pathlib import Path

from domain.accounts.errors import EmailTaken, UsernameTaken
from domain.credentials.password import Weakness
from interfaces.http.problem_catalogue import FIELD_MEANINGS, PROBLEM_MEANINGS, errors_markdown, known_problems
from tests.architecture.source import inner_modules

SOURCE = Path(__file__).parents[4] / "src"
# A refusal is known once its module was imported: all are, so that no other test has to come first.
INNER = inner_modules()
OF_THE_BODY = {"missing", "wrong_type", "unknown_field"}
OF_THE_QUERY = {"unknown_parameter", "repeated_parameter"}


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
    weaknesses = {weakness.value for weakness in Weakness}
    assert set(FIELD_MEANINGS) == reasons | weaknesses | OF_THE_BODY | OF_THE_QUERY | taken


def test_the_document_names_all_of_them() -> None:
    document = errors_markdown()
    for problem in known_problems():
        assert f"| {problem.status} | `{problem.code}` | {problem.title} |" in document
    for code in FIELD_MEANINGS:
        assert f"| `{code}` |" in document
    assert all(line.count("|") in {0, 3, 5} for line in document.splitlines())
