"""Dependencies that are the same for every request, beside some that are not."""

from collections import Counter
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from interfaces.http.constants import Constant, Constants

made: Counter[str] = Counter()


class Place:
    """A constant whose making is counted, if it is made."""

    def __init__(self, name: str) -> None:
        self.name = name


def _made(place: NamedDependency[SkipValidation[Place]]) -> str:
    made["address"] += 1
    return f"12 {place.name}"


@get("/one")
async def one(place: NamedDependency[SkipValidation[Place]]) -> str:
    return place.name


@get("/both")
async def both(place: NamedDependency[SkipValidation[Place]], address: NamedDependency[str]) -> str:
    return f"{place.name}: {address}"


@get("/made")
async def only_made(address: NamedDependency[str]) -> str:
    return address


@get("/none")
async def none() -> str:
    return "nowhere"


@pytest.fixture
def app() -> Litestar:
    made.clear()
    dependencies = {"place": Constant(Place("Quay")), "address": Provide(_made, sync_to_thread=False)}
    return Litestar([one, both, only_made, none], dependencies=dependencies, plugins=[Constants()])


@pytest.mark.parametrize(
    ("path", "told"), [("/one", "Quay"), ("/both", "Quay: 12 Quay"), ("/made", "12 Quay"), ("/none", "nowhere")]
)
async def test_a_handler_gets_what_it_asks_for(app: Litestar, path: str, told: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test") as client:
        assert [(await client.get(path)).text for _ in range(2)] == [told, told]
    assert made["address"] == (2 if "12" in told else 0)


async def test_a_constant_is_not_resolved_for_a_request(app: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(self: Provide, **given: Any) -> Any:
        raise AssertionError("resolved")

    monkeypatch.setattr(Constant, "__call__", resolve)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test") as client:
        assert (await client.get("/one")).text == "Quay"
