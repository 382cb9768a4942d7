"""Statements that lose against others (X12): done once more, and then told to be a matter of load."""

from collections.abc import AsyncIterator

import pytest

from domain.errors import ServiceUnavailable
from infrastructure.postgres.connection_pool import Connection
from infrastructure.postgres.database import Database, DatabaseOptions
from tests.support.rows import connected

FAILING = """
CREATE SEQUENCE attempts;
GRANT ALL ON SEQUENCE attempts TO PUBLIC;
CREATE FUNCTION fails_until(attempt int, code text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('attempts') < attempt THEN RAISE EXCEPTION USING ERRCODE = code; END IF;
    RETURN currval('attempts');
END $$;
"""
DEADLOCK, SERIALIZATION = "40P01", "40001"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connected(database_url) as connection:
        await connection.execute(FAILING)
    async with Database(DatabaseOptions(url=database_url, pool_size=1)).opened() as database:
        yield database


@pytest.mark.parametrize("code", [DEADLOCK, SERIALIZATION])
async def test_x12_a_conflict_is_tried_again_and_never_shown(database: Database, code: str) -> None:
    row = await database.fetch_row("SELECT fails_until(2, $1)", code)
    assert row is not None
    assert row["fails_until"] == 2


@pytest.mark.parametrize("code", [DEADLOCK, SERIALIZATION])
async def test_x12_and_not_without_end(database: Database, code: str) -> None:
    with pytest.raises(ServiceUnavailable) as refusal:
        await database.fetch_row("SELECT fails_until(1000, $1)", code)
    assert refusal.value.retry_after == 1
    attempts = await database.fetch_row("SELECT last_value FROM attempts")
    assert attempts is not None
    assert attempts["last_value"] == 2


@pytest.mark.parametrize("code", [DEADLOCK, SERIALIZATION])
async def test_x12_a_transaction_is_tried_again_as_a_whole(database: Database, code: str) -> None:
    async def work(connection: Connection) -> int:
        await connection.execute("INSERT INTO unowned_photos (id) VALUES (gen_random_uuid())")
        attempt: int = await connection.fetchval("SELECT fails_until(2, $1)", code)
        return attempt

    before = await _backend(database)
    assert await database.in_transaction(work) == 2
    assert await _written(database) == 1
    assert await _backend(database) == before, "a transaction that failed costs no connection"


async def test_what_the_work_of_a_transaction_refuses_is_undone(database: Database) -> None:
    async def work(connection: Connection) -> None:
        await connection.execute("INSERT INTO unowned_photos (id) VALUES (gen_random_uuid())")
        raise LookupError

    with pytest.raises(LookupError):
        await database.in_transaction(work)
    assert await _written(database) == 0


async def _backend(database: Database) -> object:
    row = await database.fetch_row("SELECT pg_backend_pid()")
    return row and row[0]


async def _written(database: Database) -> object:
    row = await database.fetch_row("SELECT count(*) FROM unowned_photos")
    return row and row[0]
