"""The container: mypy does not check what a provider is given, so every one is made here."""

import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers

from bootstrap.asgi import litestar_dependencies
from bootstrap.container import Container, for_operator, make_container
from bootstrap.settings import Settings
from domain.accounts.signup_policy import OPEN
from interfaces.http.app import PROVIDED

ENVIRONMENT = {
    "CRM_AUTH_DATABASE_URL": "postgresql://crm:pw@127.0.0.1:1/crm",
    "CRM_AUTH_SECRET_KEY": "vT9qLw2xRk7uPz4mYc8nJd3hFb6sGa1e",
    "CRM_AUTH_SIGNUP": "closed",
}


@pytest.fixture
def container() -> Container:
    return make_container(Settings.from_environment(ENVIRONMENT))


def provided_by(container: Any) -> Iterator[tuple[str, Any]]:
    for name, provider in container.providers.items():
        if not isinstance(provider, providers.Dependency | providers.DependenciesContainer):
            yield name, provider


def test_every_provider_makes_something(container: Container) -> None:
    made = [
        (name, provider())
        for section in (container.adapters(), container.use_cases())
        for name, provider in provided_by(section)
    ]
    assert len(made) > 20
    assert all(thing is not None for _, thing in made)


def test_a_use_case_is_made_anew_and_an_adapter_once(container: Container) -> None:
    assert container.use_cases.log_in() is not container.use_cases.log_in()
    assert container.adapters.database() is container.adapters.database()


def test_two_containers_share_nothing(container: Container) -> None:
    other = make_container(Settings.from_environment(ENVIRONMENT))
    assert container.adapters.database() is not other.adapters.database()


def test_a_part_can_be_replaced(container: Container) -> None:
    stand_in = object()
    container.adapters.hasher.override(providers.Object(stand_in))
    assert container.use_cases.register_user().hasher is stand_in


@pytest.fixture
def own_zones(tmp_path: Path) -> Iterator[Path]:
    """A folder that is taken for the machine's, as Debian's has names that no other machine knows."""
    kept = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[tmp_path])
    yield tmp_path
    zoneinfo.reset_tzpath(to=kept)


def test_a_time_zone_of_one_node_is_none(container: Container, own_zones: Path) -> None:
    for name in ("localtime", "Mars"):
        (own_zones / name).write_bytes(b"TZif")
    assert {"localtime", "Mars"} <= zoneinfo.available_timezones()
    known = container.use_cases.profile_rules().time_zones
    assert "Europe/London" in known
    assert not {"localtime", "Mars"} & set(known)


def test_the_bounds_of_hashing_are_the_operators() -> None:
    bounds = {"CRM_AUTH_HASH_WORKERS": "3", "CRM_AUTH_HASH_QUEUE": "7", "CRM_AUTH_HASH_WAIT": "5"}
    pool = make_container(Settings.from_environment(ENVIRONMENT | bounds)).adapters.hashing_pool()
    assert (pool._workers, pool._limit, pool.max_wait) == (3, 10, 5.0)


def test_the_routes_get_all_they_need(container: Container) -> None:
    assert set(PROVIDED) <= set(litestar_dependencies(container))


def test_the_operator_registers_whatever_sign_up_admits(container: Container) -> None:
    assert container.use_cases.register_user().signup != OPEN
    assert for_operator(container).signup == OPEN
