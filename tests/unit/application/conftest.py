import pytest

from tests.support.service import Service


@pytest.fixture
def service() -> Service:
    return Service()
