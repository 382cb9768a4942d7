"""Dependencies point inward, and the two inner layers need nothing but Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import INNER_LAYERS, ROOT, SRC, imported_by

MAY_IMPORT = {"domain": {"domain"}, "application": {"domain", "application"}}
INNER_FILES = sorted(path for layer in INNER_LAYERS for path in (SRC / layer).rglob("*.py"))
WITH_INPUT_OR_OUTPUT = {
    "asyncio",
    "http",
    "importlib",
    "io",
    "logging",
    "os",
    "pathlib",
    "secrets",
    "socket",
    "subprocess",
}
"""Of the standard library, what a rule or a use case asks a port for instead."""

LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_contracts_of_the_layers_are_kept() -> None:
    result = lint_imports(SRC)

    assert result.returncode == 0, result.stdout + result.stderr


def relative(path: Path) -> str:
    return str(path.relative_to(SRC))


@pytest.mark.parametrize("path", INNER_FILES, ids=relative)
def test_an_inner_module_imports_python_and_the_layers_within(path: Path) -> None:
    """Everywhere in the file: an import for type checking only or inside a function is a dependency as well."""
    allowed = MAY_IMPORT[path.relative_to(SRC).parts[0]] | sys.stdlib_module_names - WITH_INPUT_OR_OUTPUT

    assert [(line, name) for line, name in imported_by(path) if name.partition(".")[0] not in allowed] == []


@pytest.mark.parametrize("path", INNER_FILES, ids=relative)
def test_an_inner_module_does_not_tell_the_time_or_make_ids_by_itself(path: Path) -> None:
    """Both come from ports, so that a test can give them and all nodes agree on them (X09)."""
    source = path.read_text()

    for call in ("datetime.now(", "utcnow(", "time.time(", "monotonic(", "uuid1(", "uuid4(", "uuid7(", "random"):
        assert call not in source
