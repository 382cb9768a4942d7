"""T11, L11, L12, L02: hashes of bcrypt that were brought along are read, renewed once, and never a fault."""

import asyncio
from collections.abc import AsyncIterator

import bcrypt
import pytest

from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.password_kinds import count_kinds
from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, problem_of
from tests.support.rows import connected, event_types

LONG = "a very long sentence " * 4


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url)) as client:
        yield client


def hashed(password: str, rule: str = "", variant: str = "2b") -> str:
    """As another service has stored it."""
    stored = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode().replace("$2b$", f"${variant}$")
    return f"$bcrypt$rule={rule}{stored}" if rule else stored


async def secret_of(database_url: str, person: Person) -> str:
    async with connected(database_url) as connection:
        secret: str = await connection.fetchval(
            "SELECT secret FROM credentials JOIN users AS u ON u.id = user_id WHERE u.email = $1", person.email
        )
    return secret


async def bring_along(database_url: str, person: Person, secret: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute(
            "UPDATE credentials SET secret = $2 FROM users AS u WHERE u.id = user_id AND u.email = $1",
            person.email,
            secret,
        )


@pytest.mark.parametrize("variant", ["2a", "2b", "2y"])
@pytest.mark.parametrize("rule", ["", "truncate", "reject"])
async def test_l11_a_password_is_hashed_anew_at_sign_in_and_no_session_ends(
    client: ServiceClient, database_url: str, variant: str, rule: str
) -> None:
    person = await client.registered()
    before = await client.signed_in(person)
    await bring_along(database_url, person, hashed(person.password, rule, variant))
    assert (await client.log_in(person.email, "not the password of theirs")).status_code == 401
    assert (await secret_of(database_url, person)).startswith("$2" if not rule else "$bcrypt$")

    signed_in = SignedIn.of(await client.log_in(person.email, person.password))

    assert (await secret_of(database_url, person)).startswith("$argon2id$")
    for session in (before, signed_in):
        assert (await client.profile(session.access_token)).status_code == 200
        assert (await client.refresh(session.refresh_token)).status_code == 200
    assert (await client.log_in(person.email, person.password)).status_code == 201


async def test_l11_two_sign_ins_at_once_hash_it_anew_once(client: ServiceClient, database_url: str) -> None:
    person = await client.registered()
    async with connected(database_url) as connection:
        await connection.execute("CREATE TABLE renewed (secret text); GRANT INSERT ON renewed TO PUBLIC")
        await connection.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN INSERT INTO renewed VALUES (new.secret); RETURN new; END'"
        )
        await bring_along(database_url, person, hashed(person.password))
        await connection.execute("CREATE TRIGGER note AFTER UPDATE ON credentials FOR EACH ROW EXECUTE FUNCTION note()")

        answers = await asyncio.gather(*(client.log_in(person.email, person.password) for _ in range(6)))

        assert [answer.status_code for answer in answers] == [201] * 6
        assert await connection.fetchval("SELECT count(*) FROM renewed") == 1
    assert (await client.log_in(person.email, person.password)).status_code == 201


@pytest.mark.parametrize("rule", ["", "truncate", "reject"])
async def test_l12_a_password_over_72_bytes_is_a_wrong_one(client: ServiceClient, database_url: str, rule: str) -> None:
    person = await client.registered()
    await bring_along(database_url, person, hashed(person.password, rule))

    refused = await client.log_in(person.email, person.password.ljust(73, "!"))

    assert (refused.status_code, problem_of(refused)["code"]) == (401, "invalid_credentials")
    assert (await client.log_in(person.email, "x" * 1024)).status_code == 401
    assert (await event_types(database_url)).count("log_in.failed") == 2


async def test_l12_each_rule_has_its_own_mind_of_long_passwords(client: ServiceClient, database_url: str) -> None:
    for rule, right, other in (("", 201, 201), ("truncate", 201, 201), ("reject", 401, 401)):
        person = await client.registered()
        for password, status in ((LONG, right), (LONG[:72] + " and another end", other)):
            await bring_along(database_url, person, hashed(LONG, rule))
            assert (await client.log_in(person.email, password)).status_code == status


async def test_s04_after_its_renewal_a_truncated_password_is_used_whole(
    client: ServiceClient, database_url: str
) -> None:
    """S04."""
    person = await client.registered()
    await bring_along(database_url, person, hashed(LONG))
    assert (await client.log_in(person.email, LONG)).status_code == 201

    assert (await client.log_in(person.email, LONG[:72] + " and another end")).status_code == 401
    assert (await client.log_in(person.email, LONG)).status_code == 201


@pytest.mark.parametrize("secret", ["$2b$31$" + "C" * 53, "$2x$05$" + "C" * 53, "$2b$12$short", "$bcrypt$rule=prehash"])
async def test_what_cannot_be_read_is_a_wrong_password_within_the_time_of_one(
    client: ServiceClient, database_url: str, secret: str
) -> None:
    person = await client.registered()
    await bring_along(database_url, person, secret)

    async with asyncio.timeout(30):
        assert (await client.log_in(person.email, person.password)).status_code == 401
    assert await secret_of(database_url, person) == secret


async def test_bcrypt_may_be_chosen_and_is_adopted_and_left_again(database_url: str) -> None:
    async with served(settings_for(database_url)) as client:
        ada = await client.registered()
    async with served(settings_for(database_url, password_scheme="bcrypt", bcrypt_cost=10)) as client:
        assert (await client.log_in(ada.email, ada.password)).status_code == 201
        grace = await client.registered("grace")
        for person in (ada, grace):
            assert (await secret_of(database_url, person)).startswith("$bcrypt$rule=prehash$2b$10$")
            assert (await client.log_in(person.email, person.password)).status_code == 201
            assert (await client.log_in(person.email, person.password + "!")).status_code == 401
    async with served(settings_for(database_url)) as client:
        assert (await client.log_in(grace.email, grace.password)).status_code == 201
        assert (await secret_of(database_url, grace)).startswith("$argon2id$")


async def test_l02_the_kinds_that_there_are_are_counted(database_url: str) -> None:
    secrets = {
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$dGFn": 30,
        "$2y$12$" + "C" * 53: 20,
        "$bcrypt$rule=reject$2b$10$" + "C" * 53: 10,
        "something else": 5,
    }
    async with connected(database_url) as connection, Database(DatabaseOptions(url=database_url)).opened() as database:
        assert await count_kinds(database) == {}
        for secret, count in secrets.items():
            await connection.execute(_MANY, f"{secret[:14]}{count}", secret, count)
        assert await count_kinds(database) == {
            "$argon2id$v=19$m=19456,t=2,p=1": 30, "$2y$12": 20, "$bcrypt$rule=reject$2b$10": 10,
        }  # fmt: skip


async def test_l02_of_many_hashes_a_sample_is_counted_the_same_each_time(database_url: str) -> None:
    async with connected(database_url) as connection, Database(DatabaseOptions(url=database_url)).opened() as database:
        for number, kind in enumerate(("$2y$12$", "$2b$10$", "$2a$08$", "$2b$12$")):
            await connection.execute(_MANY, f"of-kind-{number}", kind + "C" * 53 + "C" * 200, 15_000)
        first = await count_kinds(database)
        assert set(first) == {"$2y$12", "$2b$10", "$2a$08", "$2b$12"}
        assert 5_000 < sum(first.values()) < 30_000
        assert await count_kinds(database) == first


_MANY = """
WITH made AS (
    INSERT INTO users (
        id, email, email_canonical, email_verified, username, username_canonical, status, created_at, updated_at
    )
    SELECT gen_random_uuid(), $1 || n, $1 || n, false, $1 || n, $1 || n, 'active', now(), now()
    FROM generate_series(1, $3) AS n RETURNING id
)
INSERT INTO credentials (id, user_id, kind, secret, version, created_at, updated_at)
SELECT gen_random_uuid(), id, 'password', $2, 1, now(), now() FROM made
"""
