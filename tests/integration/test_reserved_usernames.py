"""Usernames that stay reserved, where PostgreSQL alone can tell: many at once, and after the account is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from asyncpg import Connection, Record

from application.origin import NOWHERE
from bootstrap.container import make_container
from bootstrap.lifespan import StartRefused, running
from domain.accounts.errors import UsernameTaken
from domain.accounts.identifiers import Username
from domain.accounts.profile_change import ProfileChange
from domain.errors import InvalidValue
from infrastructure.postgres.data_keys import PostgresDataKeyStore
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.tokens.data_keys import DataKey
from infrastructure.tokens.secret_keys import SecretKeys
from tests.support.application import settings_for
from tests.support.builders import Account, add, credential_of, registered, user_named
from tests.support.postgres import PostgresWorld, username_digest
from tests.support.rows import connected
from tests.support.server import SECRET_KEY
from tests.support.world import LIMITS

OTHER_SECRET_KEY = "p3RcE7uYw1KzBn5Mh9QtXs2Vd6Lg0Jf4Aa8oGiTxNqU"
NODES = 8


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    options = DatabaseOptions(url=database_url, lock_timeout=10, statement_timeout=10, answer_timeout=10)
    async with Database(options).opened() as database:
        yield database


@pytest.fixture
def world(database: Database) -> PostgresWorld:
    return PostgresWorld(database, LIMITS)


def newcomer(name: str) -> Account:
    user = user_named(name, email=f"{name}.late@example.com")
    return Account(user, credential_of(user))


async def test_the_first_start_of_many_at_once_makes_one_key(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        options = DatabaseOptions(url=database_url, pool_size=1)
        nodes = [await stack.enter_async_context(Database(options).opened()) for _ in range(NODES)]
        keys = [DataKey("test/v1", PostgresDataKeyStore(node), SecretKeys([SECRET_KEY])) for node in nodes]
        await asyncio.gather(*(key.load() for key in keys))

    assert len({key.digest("ada") for key in keys}) == 1


async def test_c07_the_key_is_sealed_anew_at_start_and_the_old_secret_can_go(database_url: str) -> None:
    async def digest(*secret_keys: str) -> bytes:
        async with running(make_container(settings_for(database_url, secret_key=secret_keys))) as container:
            key: DataKey = container.adapters.username_key()
            return key.digest("ada")

    before = await digest(SECRET_KEY)
    assert await digest(OTHER_SECRET_KEY, SECRET_KEY) == before
    assert await digest(OTHER_SECRET_KEY) == before


async def test_a_key_that_cannot_be_read_refuses_the_start(database_url: str) -> None:
    async with running(make_container(settings_for(database_url, secret_key=(SECRET_KEY,)))):
        pass
    async with connected(database_url) as connection:
        await connection.execute("DELETE FROM signing_keys")
    with pytest.raises(StartRefused, match="data key username/v1"):
        async with running(make_container(settings_for(database_url, secret_key=(OTHER_SECRET_KEY,)))):
            pass


async def test_a_deleted_users_name_stays_reserved(world: PostgresWorld, database_url: str) -> None:
    ada = await registered(world, "Ada")
    async with connected(database_url) as connection:
        await connection.execute("DELETE FROM users WHERE id = $1", ada.user.id)
        assert await connection.fetchval("SELECT count(*) FROM reserved_usernames WHERE user_id IS NULL") == 1

    with pytest.raises(UsernameTaken):
        await add(world, newcomer("ada"))


async def test_a_name_of_an_account_of_version_0_1_is_reserved_by_its_release(
    world: PostgresWorld, database_url: str
) -> None:
    ada = await registered(world, "Ada")
    async with connected(database_url) as connection:
        await connection.execute("DELETE FROM reserved_usernames")
    work = world.unit_of_work(origin=NOWHERE)
    work.accounts.release_username(ada.user)
    await work.commit()
    async with connected(database_url) as connection:
        await connection.execute("DELETE FROM users")

    with pytest.raises(UsernameTaken):
        await add(world, newcomer("ada"))


async def test_a_name_of_an_account_of_version_0_1_is_reserved_when_it_is_given_up(
    world: PostgresWorld, database_url: str
) -> None:
    ada = await registered(world, "Ada")
    await registered(world, "Bob")
    async with connected(database_url) as connection:
        await connection.execute("DELETE FROM reserved_usernames")
    results = await asyncio.gather(
        rename(world, ada, "Lady.Ada"), *(add(world, newcomer("ada")) for _ in range(6)), return_exceptions=True
    )

    assert results[0] is None
    assert {type(result) for result in results[1:]} == {UsernameTaken}
    with pytest.raises(UsernameTaken):
        await rename(world, ada, "bob")
    await rename(world, ada, "ada")


async def test_a_sign_up_that_began_before_a_name_was_given_up_does_not_get_it(
    world: PostgresWorld, database_url: str
) -> None:
    """Its statement sees neither the row of the name nor, once it goes on, an account that has it."""
    late = newcomer("ada")
    async with connected(database_url) as renaming, connected(database_url) as looking:
        async with renaming.transaction():
            await renaming.execute("INSERT INTO reserved_usernames (digest) VALUES ($1)", username_digest("ada"))
            sign_up = asyncio.create_task(add(world, late))
            await until_somebody_waits(looking)
        with pytest.raises(UsernameTaken):
            await sign_up
        assert await looking.fetchval("SELECT count(*) FROM users") == 0


async def test_a_change_that_began_before_a_name_was_taken_does_not_get_it(
    world: PostgresWorld, database_url: str
) -> None:
    ada = await registered(world, "Ada")
    async with connected(database_url) as signing_up, connected(database_url) as looking:
        async with signing_up.transaction():
            await signing_up.execute("INSERT INTO reserved_usernames (digest) VALUES ($1)", username_digest("bob"))
            change = asyncio.create_task(rename(world, ada, "bob"))
            await until_somebody_waits(looking)
        with pytest.raises(UsernameTaken):
            await change
        assert await looking.fetchval("SELECT username FROM users") == "Ada"


async def test_of_changes_that_all_begin_before_any_is_done_three_are_done(
    world: PostgresWorld, database_url: str
) -> None:
    """Each has counted none when it begins; what counts is what it finds once it has the user's row to itself."""
    ada = await registered(world, "Ada")
    names = [f"name-{number}" for number in range(8)]
    async with connected(database_url) as holding, connected(database_url) as looking:
        async with holding.transaction():
            await holding.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", ada.user.id)
            changes = [asyncio.create_task(rename(world, ada, name)) for name in names]
            await until_somebody_waits(looking, len(names))
        results = await asyncio.gather(*changes, return_exceptions=True)
        kept = await looking.fetchval("SELECT cardinality(username_changed_at) FROM users")

    assert (results.count(None), kept) == (3, 3)
    assert sum(isinstance(result, InvalidValue) for result in results) == 5


async def rename(world: PostgresWorld, account: Account, name: str) -> None:
    work = world.unit_of_work(NOWHERE)
    work.accounts.change_profile(account.user.id, ProfileChange(username=Username.parse(name)))
    await work.commit()


async def until_somebody_waits(connection: "Connection[Record]", how_many: int = 1) -> None:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while await connection.fetchval(waits) < how_many:  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(0.01)
