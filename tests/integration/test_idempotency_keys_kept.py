"""What is kept of a key: for how long, under which secrets, and that nothing can be read in it."""

from datetime import timedelta

import pytest

from infrastructure.postgres import idempotency_keys
from infrastructure.postgres.database import Database, DatabaseOptions
from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, problem_of
from tests.support.rows import connected, dump
from tests.support.server import SECRET_KEY

NEW_SECRET = "Wc8Kq3Zt1Vn6Rb9Xm4Jf7Hs2Ld5Pg0YuTaEiOvNxBzQ"
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


async def sign_up(client: ServiceClient, person: Person, key: str = KEY, **more: str) -> tuple[int, str]:
    """The status, and the id of the account or the code of the problem."""
    headers = {"Idempotency-Key": key}
    answer = await client.http.post("/v1/users", json=person.registration | more, headers=headers)
    return answer.status_code, answer.json()["id"] if answer.is_success else problem_of(answer)["code"]


async def age_keys(database_url: str, by: timedelta) -> None:
    async with connected(database_url) as connection:
        await connection.execute("UPDATE idempotency_keys SET created_at = created_at - $1::interval", by)


async def kept(database_url: str) -> int:
    async with connected(database_url) as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM idempotency_keys")
    return count


async def test_c07_a_change_of_the_secret_forgets_no_key(database_url: str) -> None:
    """C07: in each of the steps that the operator's guide has, on nodes that are a step apart."""
    person = Person.new()
    async with served(settings_for(database_url)) as client:
        first = await sign_up(client, person)
    assert first[0] == 201
    for secrets in ((SECRET_KEY, NEW_SECRET), (NEW_SECRET, SECRET_KEY)):
        async with served(settings_for(database_url, secret_key=secrets)) as client:
            assert await sign_up(client, person) == first
            assert await sign_up(client, person, given_name="Ada") == (422, "idempotency_key_reused")


async def test_a_key_made_by_the_next_node_is_known_to_the_one_before(database_url: str) -> None:
    person = Person.new()
    async with served(settings_for(database_url, secret_key=(NEW_SECRET, SECRET_KEY))) as client:
        first = await sign_up(client, person)
    async with served(settings_for(database_url, secret_key=(SECRET_KEY, NEW_SECRET))) as client:
        assert await sign_up(client, person) == first


async def test_g02_nothing_that_was_sent_can_be_read(database_url: str) -> None:
    person = Person.new()
    async with served(settings_for(database_url)) as client:
        await sign_up(client, person)
        assert await kept(database_url) == 1
    stolen = await dump(database_url)
    assert KEY not in stolen
    assert person.password not in stolen


async def test_the_same_body_is_not_recognised_under_another_key(database_url: str) -> None:
    """Or two rows would tell that two people sent the same."""
    person = Person.new()
    async with served(settings_for(database_url)) as client:
        await sign_up(client, person)
        async with connected(database_url) as connection:
            await connection.execute("TRUNCATE users CASCADE")
        assert (await sign_up(client, person, "another"))[0] == 201
        assert await sign_up(client, person) == (409, "account_deleted")
    async with connected(database_url) as connection:
        assert await connection.fetchval("SELECT count(DISTINCT request) FROM idempotency_keys") == 2


@pytest.mark.parametrize(
    ("age", "left"), [(timedelta(hours=23, minutes=59), 2500), (timedelta(hours=24, seconds=1), 1)]
)
async def test_keys_are_purged_after_a_day_past_those_in_use(database_url: str, age: timedelta, left: int) -> None:
    async with connected(database_url) as holder, Database(DatabaseOptions(url=database_url)).opened() as database:
        await holder.execute(
            "INSERT INTO idempotency_keys (digest, request, claim, created_at)"
            " SELECT decode(lpad(to_hex(n), 8, '0'), 'hex'), '', gen_random_uuid(), now() - $1::interval"
            " FROM generate_series(1, 2500) AS n",
            age,
        )
        async with holder.transaction():
            await holder.execute("SELECT FROM idempotency_keys WHERE digest = '\\x00000001' FOR UPDATE")
            await idempotency_keys.purge(database)
        assert await kept(database_url) == left
        await idempotency_keys.purge(database)
        assert await kept(database_url) == left - (left == 1)


async def test_a_key_that_is_over_and_not_purged_yet_is_as_good_as_new(database_url: str) -> None:
    person, other = Person.new(), Person.new()
    async with served(settings_for(database_url)) as client:
        await sign_up(client, person)
        await age_keys(database_url, timedelta(hours=25))
        assert await sign_up(client, person) == (409, "email_taken")
        assert (await sign_up(client, other))[0] == 201
    assert await kept(database_url) == 1
