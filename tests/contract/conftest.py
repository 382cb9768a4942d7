"""Every suite here runs on each implementation of the ports."""

from collections.abc import AsyncIterator

import pytest

from tests.support.audit import postgres_audit_log
from tests.support.audit_log import AuditLog
from tests.support.database import DatabaseServer
from tests.support.memory import MemoryWorld
from tests.support.memory_audit import memory_audit_log
from tests.support.postgres import PostgresWorld, open_postgres_world
from tests.support.world import LIMITS, World


@pytest.fixture
async def memory_world() -> World:
    return MemoryWorld(LIMITS)


@pytest.fixture(scope="session")
async def postgres_world(database_server: DatabaseServer) -> AsyncIterator[World]:
    """Opened once for all tests, for starting a database takes longer than any of them."""
    async with open_postgres_world(database_server, LIMITS) as world:
        yield world


@pytest.fixture(params=["memory", "postgres"])
def any_world(request: pytest.FixtureRequest) -> World:
    world: World = request.getfixturevalue(f"{request.param}_world")
    return world


@pytest.fixture
async def world(any_world: World) -> World:
    """An implementation of the ports, without a row."""
    await any_world.empty()
    return any_world


@pytest.fixture
async def log(world: World) -> AuditLog:
    """The audit log of what happens in it."""
    if isinstance(world, PostgresWorld):
        return await postgres_audit_log(world)
    assert isinstance(world, MemoryWorld)
    return memory_audit_log(world)
