"""The error tree: every refusal is distinct, complete, and drawn where one looks for it."""

import re
from collections.abc import Iterator

import pytest

import domain.errors
from domain.errors import DomainError, ErrorKind
from tests.architecture.source import classes_of, inner_modules, modules

INNER = inner_modules()
BRANCH = re.compile(r"^(?P<indent>[│ ]*)[├└]── (?P<name>\S+)(?P<note> .*)?$")


def subclasses(of: type[DomainError]) -> Iterator[type[DomainError]]:
    for subclass in of.__subclasses__():
        if subclass.__module__.startswith(("domain.", "application.")):
            yield subclass
            yield from subclasses(subclass)


ALL = sorted(subclasses(DomainError), key=lambda error: error.__name__)
CONCRETE = [error for error in ALL if hasattr(error, "code")]
ABSTRACT = [error for error in ALL if not hasattr(error, "code")]


@pytest.mark.parametrize("error", CONCRETE)
def test_every_refusal_says_what_it_is(error: type[DomainError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert isinstance(error.kind, ErrorKind)
    assert error.title.endswith(".")
    assert error.__doc__


def test_codes_and_titles_are_unique() -> None:
    assert len({error.code for error in CONCRETE}) == len({error.title for error in CONCRETE}) == len(CONCRETE)


@pytest.mark.parametrize("error", ABSTRACT)
def test_a_refusal_without_a_code_only_groups_others(error: type[DomainError]) -> None:
    assert error.__subclasses__()


def test_no_inner_class_of_exceptions_stands_outside_the_tree() -> None:
    exceptions = {cls for module in INNER for cls in classes_of(module) if issubclass(cls, BaseException)}

    assert exceptions == {DomainError, *ALL}


def drawn() -> set[tuple[str, str, str]]:
    """Name, name of the parent and module of each class that the docstring draws."""
    lines = (domain.errors.__doc__ or "").splitlines()
    parents: dict[int, tuple[str, str]] = {-1: ("DomainError", "domain.errors")}
    found = set()
    for match in filter(None, map(BRANCH.match, (line.removeprefix("    ") for line in lines))):
        depth = len(match["indent"]) // 4
        parent, module = parents[depth - 1]
        if match["name"].endswith(".errors"):
            parents[depth] = (parent, f"domain.{match['name']}")
        else:
            found.add((match["name"], parent, module))
            parents[depth] = (match["name"], module)
    return found


def test_the_tree_is_drawn_as_it_is() -> None:
    assert drawn() == {(error.__name__, error.__bases__[0].__name__, error.__module__) for error in ALL}


def test_refusals_stand_in_modules_named_errors() -> None:
    assert {error.__module__.rpartition(".")[2] for error in ALL} == {"errors"}
    assert {error.__module__ for error in ALL} <= {module.__name__ for module in modules(domain)}
