"""A service that is as new for each test, over one application, and a client of it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from tests.unit.interfaces.http.fake_service import FakeService, client_of

_SERVICE = FakeService()


@pytest.fixture(scope="session")
def app() -> Litestar:
    return _SERVICE.app()


@pytest.fixture
def service() -> FakeService:
    vars(_SERVICE).update(vars(FakeService()))
    return _SERVICE


@pytest.fixture
async def client(app: Litestar, service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    # Nothing here starts with the application, and its lifespan may not be left by another task than entered it.
    async with client_of(app) as client:
        yield client
