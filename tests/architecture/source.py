"""The source of the two inner layers, for tests of how it is cut."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import application
import domain

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
INNER_LAYERS = ("domain", "application")


def modules(layer: ModuleType) -> list[ModuleType]:
    """The layer and everything in it, imported."""
    found = pkgutil.walk_packages(layer.__path__, f"{layer.__name__}.")
    return [layer, *(importlib.import_module(info.name) for info in found)]


def inner_modules() -> list[ModuleType]:
    return modules(domain) + modules(application)


def classes_of(module: ModuleType) -> list[type]:
    """Those that it defines, not those that it imports."""
    return [member for _, member in inspect.getmembers(module, inspect.isclass) if member.__module__ == module.__name__]


def imported_by(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of all that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom():
                yield node.lineno, "." * node.level + (node.module or "")
