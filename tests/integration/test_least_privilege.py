"""The service's role may do what the service does, and nothing else (C05)."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bootstrap.container import make_container
from bootstrap.lifespan import StartRefused, followed_by, running, upkeep_of
from infrastructure.postgres import grants, schema
from infrastructure.postgres.audit_tables import metadata
from infrastructure.postgres.roles import user_of
from infrastructure.postgres.schema_version import SchemaError
from tests.support.application import settings_for
from tests.support.database import DatabaseServer, owner_url_of
from tests.support.rows import connected


@pytest.fixture
def service_role(database_server: DatabaseServer) -> str:
    if database_server.service_role is None:
        pytest.skip("the role of this test server may not make roles")
    return database_server.service_role


@pytest.fixture
async def service(service_role: str, database_url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection as the service has it."""
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT current_user") == service_role
    yield connection
    await connection.close()


def test_c05_every_table_has_a_line() -> None:
    """A new table that nobody thought about is one that the service cannot read."""
    assert set(grants.GRANTS) == set(metadata.tables) | {"schema_version"}


async def test_c05_the_live_rights_are_the_lines(service_role: str, database_url: str) -> None:
    async with connected(database_url) as owner:
        assert await grants.differences(owner, service_role) == []


FORBIDDEN = {
    "a table of its own": "CREATE TABLE mine (x integer)",
    "a temporary table": "CREATE TEMPORARY TABLE mine (x integer)",
    "a function": "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "a schema": "CREATE SCHEMA mine",
    "a role": "CREATE ROLE mine",
    "a database": "CREATE DATABASE mine",
    "a trigger": "CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "an index": "CREATE INDEX ON users (created_at)",
    "another column": "ALTER TABLE users ADD COLUMN mine text",
    "no trigger": "ALTER TABLE users DISABLE TRIGGER ALL",
    "no foreign key checks": "SET session_replication_role = replica",
    "no table": "DROP TABLE users",
    "no rows": "TRUNCATE users CASCADE",
    "another owner": "ALTER TABLE users OWNER TO CURRENT_USER",
    "another revision": "UPDATE schema_version SET version_num = 'mine'",
    "another event": "UPDATE events SET type = 'mine'",
    "an event less": "DELETE FROM events",
    "an owner's credential": "UPDATE credentials SET user_id = user_id",
    "a key less": "DELETE FROM signing_keys",
    "another key in its place": "UPDATE signing_keys SET public_jwk = '{}'",
    "a data key less": "DELETE FROM data_keys",
    "a file of the server": "SELECT pg_read_file('PG_VERSION')",
    "a program of the server": "COPY users TO PROGRAM 'cat'",
    "the hashes of roles": "SELECT rolpassword FROM pg_authid",
}


async def test_c05_the_service_can_have_none_of_it(service: "asyncpg.Connection[asyncpg.Record]") -> None:
    had = []
    for what, statement in FORBIDDEN.items():
        try:
            await service.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            continue
        had.append(what)
    assert had == []


CHANGES_OF_THE_LOG = (
    "UPDATE audit_entries SET entry = entry",
    "DELETE FROM audit_entries",
    "TRUNCATE audit_entries",
    "UPDATE audit_heads SET body = body",
    "UPDATE audit_heads SET signature = ''",
    "DELETE FROM audit_heads",
    "TRUNCATE audit_heads",
)


async def test_g04_the_audit_log_is_only_added_to_by_the_service_and_by_its_owner(
    service: "asyncpg.Connection[asyncpg.Record]", database_url: str
) -> None:
    async with connected(database_url) as owner:
        for who in (service, owner):
            for statement in CHANGES_OF_THE_LOG:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await who.execute(statement)
            await who.execute("UPDATE audit_heads SET written_at = now()")


async def test_g04_the_one_way_out_of_the_log_is_open_to_the_service_and_keeps_its_term(
    service: "asyncpg.Connection[asyncpg.Record]", database_url: str
) -> None:
    async with connected(database_url) as owner:
        await owner.execute(OLD_LOG)
    for before in ("now()", "now() - interval '29 days'", "NULL", "'-infinity'", "'infinity'", "'4000-01-01 BC'"):
        with pytest.raises(asyncpg.RaiseError, match="at least 30 days"):
            await service.fetchval(f"SELECT audit_drop_before(1, {before})")
    assert await service.fetchval("SELECT audit_drop_before(1, now() - interval '31 days')") == 1
    assert await service.fetchval("SELECT count(*) FROM audit_entries") == 1


OLD_LOG = """
INSERT INTO audit_entries (sequence, entry, personal, hash)
SELECT number, format(
    '{"at":"%s-01-01T00:00:00.000000Z","event":"00000000-0000-0000-0000-00000000000%s","type":"t"}', year, number
), '', '' FROM (VALUES (1, 2020), (2, 2999)) AS given (number, year);
INSERT INTO audit_heads (number, body, signature) VALUES (1, '{"sequence":1}', '')
"""


async def test_c05_what_the_service_does_by_itself_needs_no_more(service_role: str, database_url: str) -> None:
    """Upkeep, of which journeys show nothing."""
    async with running(make_container(settings_for(database_url))) as container:
        for task in (*followed_by(container), *upkeep_of(container)):
            await task()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE schema_version SET version_num = '0001'", "at revision 0001, and this version needs"),
        ("REVOKE ALL ON signing_keys FROM {role}", "has not the rights of this version"),
    ],
)
async def test_c05_a_start_on_what_the_service_may_not_mend_is_refused(
    service_role: str, database_url: str, statement: str, said: str
) -> None:
    async with connected(database_url) as owner:
        await owner.execute(statement.format(role=service_role))
    with pytest.raises(StartRefused, match=said):
        async with running(make_container(settings_for(database_url))):
            pass


CHANGES = {
    "has DELETE on table events.": "GRANT DELETE ON events TO {role}",
    "has UPDATE (type) on table events.": "GRANT UPDATE (type) ON events TO {role}",
    "PUBLIC has SELECT on table users.": "GRANT SELECT ON users TO PUBLIC",
    "lacks SELECT on table users.": "REVOKE SELECT ON users FROM {role}",
    "has CREATE on schema public.": "GRANT CREATE ON SCHEMA public TO {role}",
    "PUBLIC has TEMPORARY on database.": "GRANT TEMPORARY ON DATABASE {database} TO PUBLIC",
    "lacks EXECUTE on function end_sessions_beyond.": "REVOKE EXECUTE ON FUNCTION end_sessions_beyond FROM {role}",
    "has SELECT on table stray.": "CREATE TABLE stray (x integer); GRANT SELECT ON stray TO {role}",
}


async def test_c05_another_right_is_seen_and_mended(service_role: str, database_url: str) -> None:
    async with connected(database_url) as owner:
        database = await owner.fetchval("SELECT current_database()")
        for said, change in CHANGES.items():
            await owner.execute(change.format(role=service_role, database=database))
            found = await grants.differences(owner, service_role)
            assert (len(found), found[0].endswith(said)) == (1, True), found
            await grants.apply(owner, service_role)
            assert await grants.differences(owner, service_role) == []


async def test_c05_the_commands_check_rights_and_mend_them(service_role: str, database_url: str) -> None:
    owner_url = owner_url_of(database_url)
    async with connected(database_url) as owner:
        await owner.execute(f"GRANT TRUNCATE ON events TO {service_role}")
    with pytest.raises(SchemaError, match=r"rights are not those of this version: .* has TRUNCATE on table events"):
        await asyncio.to_thread(schema.check, owner_url, service_role=service_role)
    await asyncio.to_thread(schema.upgrade, owner_url, service_role=service_role)
    await asyncio.to_thread(schema.check, owner_url, service_role=service_role)


async def test_c05_one_role_for_all_is_said(database_server: DatabaseServer, database_url: str) -> None:
    owner = user_of(database_server.url)
    assert owner is not None
    async with connected(database_url) as connection:
        said = " ".join(await grants.differences(connection, owner))
    assert f"The role {owner} owns tables" in said
