"""Ports are small and speak of intent; a use case can be read by itself."""

import inspect
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

import application
from tests.architecture.source import classes_of, modules
from tests.architecture.test_errors import ALL, CONCRETE

MODULES = modules(application)
PORTS = [cls for module in MODULES for cls in classes_of(module) if getattr(cls, "_is_protocol", False)]
NOT_USE_CASES = {"ports", "new_password", "origin", "registration", "signed_in", "documents", "unsent_tokens"}
USE_CASE_MODULES = [
    module
    for module in MODULES
    if not hasattr(module, "__path__") and module.__name__.rpartition(".")[2] not in NOT_USE_CASES
]
MOST_LINES = 150


def methods_of(port: type) -> dict[str, object]:
    """Methods and properties that the port itself declares."""
    return {
        name: member
        for name, member in vars(port).items()
        if (inspect.isfunction(member) or isinstance(member, property))
        and (name == "__call__" or not name.startswith("_"))
        and name != "__init__"
    }


def use_cases() -> Iterator[type]:
    """Classes that are called, ports aside."""
    for module in USE_CASE_MODULES:
        yield from (cls for cls in classes_of(module) if "__call__" in vars(cls) and cls not in PORTS)


def name_of(cls: type | ModuleType) -> str:
    return cls.__name__


@pytest.mark.parametrize("port", PORTS, ids=name_of)
def test_a_port_has_one_to_seven_methods_and_says_what_each_is_for(port: type) -> None:
    methods = methods_of(port)

    assert 1 <= len(methods) <= 7
    assert port.__doc__
    for method in methods.values():
        assert inspect.getdoc(method), method


@pytest.mark.parametrize("port", PORTS, ids=name_of)
def test_a_port_is_declared_beside_the_use_cases_that_need_it(port: type) -> None:
    module = port.__module__.rpartition(".")[2]

    assert module == "ports" or port.__module__ in {module.__name__ for module in USE_CASE_MODULES}


@pytest.mark.parametrize("module", USE_CASE_MODULES, ids=name_of)
def test_a_module_is_named_for_the_use_case_in_it(module: ModuleType) -> None:
    name = "".join(word.title() for word in module.__name__.rpartition(".")[2].split("_"))

    assert name in {cls.__name__ for cls in use_cases() if cls.__module__ == module.__name__}


@pytest.mark.parametrize("module", USE_CASE_MODULES, ids=name_of)
def test_a_module_can_be_read_by_itself(module: ModuleType) -> None:
    assert module.__doc__
    assert len(inspect.getsource(module).splitlines()) <= MOST_LINES


@pytest.mark.parametrize("use_case", list(use_cases()), ids=name_of)
def test_a_use_case_says_what_it_is_for_and_what_it_raises(use_case: type) -> None:
    call = vars(use_case)["__call__"]
    said = inspect.getdoc(call) or ""

    assert use_case.__doc__
    assert inspect.iscoroutinefunction(call)
    assert "Raises " in said
    named = set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b|\bOverloaded\b", said.partition("Raises ")[2]))
    assert named
    assert named <= {error.__name__ for error in ALL}


@pytest.mark.parametrize("use_case", list(use_cases()), ids=name_of)
def test_a_use_case_names_each_refusal_that_it_raises_itself(use_case: type) -> None:
    raised = set(re.findall(r"\braise ([A-Z]\w+)", inspect.getsource(use_case)))
    said = inspect.getdoc(vars(use_case)["__call__"]) or ""

    assert raised <= {error.__name__ for error in CONCRETE}
    for name in raised:
        assert name in said


def test_there_are_ports_and_use_cases_to_look_at() -> None:
    """Or the tests above would look at nothing."""
    assert {"SessionRepository", "UnitOfWork", "PasswordHasher", "LogInAttempts", "LogInStep"} <= set(
        map(name_of, PORTS)
    )
    assert {"RegisterUser", "LogIn", "RefreshSession", "LogOut"} <= set(map(name_of, use_cases()))
