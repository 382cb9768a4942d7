"""Requests that are under way when an account is deleted leave nothing personal behind."""

from collections.abc import AsyncIterator

import pytest

from domain.accounts.events import user_deleted
from domain.sessions.events import log_in_failed
from domain.sessions.session import EndReason
from infrastructure.postgres import traces
from infrastructure.postgres.database import Database, DatabaseOptions
from tests.support.builders import ADA, registered
from tests.support.postgres import PostgresWorld
from tests.support.rows import dump
from tests.support.world import LIMITS


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(DatabaseOptions(url=database_url)).opened() as database:
        yield database


async def test_what_comes_after_a_deletion_loses_what_is_personal(database: Database, database_url: str) -> None:
    world = PostgresWorld(database, LIMITS)
    ada, bob = await registered(world, "Ada"), await registered(world, "Bob")
    await traces.remove(database)
    deletion = world.unit_of_work(ADA)
    deletion.sessions.end_all_of(ada.user.id, EndReason.ACCOUNT_DELETED)
    deletion.accounts.remove(ada.user.id)
    deletion.record(user_deleted(ada.user.id))
    await deletion.commit()
    for user in (ada.user, bob.user):
        late = world.unit_of_work(ADA)
        late.record(log_in_failed(user.id, f"digest of {user.username.canonical}"))
        await late.commit()
    assert "digest of ada" in await dump(database_url)

    await traces.remove(database)

    left = [event for event in await world.events() if event.type == "log_in.failed"]
    assert [dict(event.data).get("identifier_digest") for event in left] == [None, "digest of bob"]
    of_ada = await database.fetch("SELECT * FROM events WHERE user_id = $1", ada.user.id)
    assert {(row["ip_address"], row["user_agent"]) for row in of_ada} == {(None, None)}
    of_bob = await database.fetch("SELECT * FROM events WHERE user_id = $1 AND type = 'log_in.failed'", bob.user.id)
    assert [row["user_agent"] for row in of_bob] == [ADA.user_agent]
