"""The schema's climb up and down, by the commands that operators use."""

import asyncio
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from asyncpg import Connection, Record

from bootstrap.container import make_container
from bootstrap.lifespan import StartRefused, running
from infrastructure.postgres import routines, schema, schema_version
from infrastructure.postgres.roles import initialise
from infrastructure.postgres.schema_version import SchemaError
from tests.integration.schema_shape import shape_of
from tests.support.application import settings_for
from tests.support.database import DatabaseServer, owner_url_of
from tests.support.rows import connected, tables_of
from tests.support.server import crm_auth, environment_of, run_crm_auth, settings_on

SCRIPTS = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]
"""The oldest first."""
MIGRATION_LOCK = 0x63726D2D61757468


@pytest.fixture
async def empty_database(database_server: DatabaseServer) -> AsyncIterator[str]:
    url = await database_server.create(empty=True)
    yield url
    await database_server.drop(url)


async def _off_the_loop(work: Callable[..., None], url: str, *arguments: str) -> None:
    """The commands run an event loop of their own, and as the owner."""
    await asyncio.to_thread(work, owner_url_of(url), *arguments)


def test_the_code_knows_the_newest_migration() -> None:
    assert SCRIPTS.get_heads() == [schema_version.NEWEST]
    assert REVISIONS[-1] == schema_version.NEWEST


async def test_up_and_down_and_up_again(empty_database: str) -> None:
    nothing = await shape_of(empty_database)
    await _off_the_loop(schema.upgrade, empty_database)
    first_time = await shape_of(empty_database)
    await _off_the_loop(schema.check, empty_database)
    await _off_the_loop(schema.downgrade, empty_database, "base")
    assert await tables_of(empty_database) == ["schema_version"]
    async with connected(empty_database) as connection:
        assert await connection.fetchval("SELECT count(*) FROM schema_version") == 0
        await connection.execute("DROP TABLE schema_version")
    assert await shape_of(empty_database) == nothing, "nothing else is left behind"
    await _off_the_loop(schema.upgrade, empty_database)
    assert await shape_of(empty_database) == first_time
    await _off_the_loop(schema.check, empty_database)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_x11_every_step_can_be_taken_back(empty_database: str, revision: str) -> None:
    await _off_the_loop(schema.upgrade, empty_database, revision)
    above = await shape_of(empty_database)
    await _off_the_loop(schema.downgrade, empty_database)
    below = await shape_of(empty_database)
    assert below != above
    await _off_the_loop(schema.upgrade, empty_database, revision)
    assert await shape_of(empty_database) == above
    await _off_the_loop(schema.downgrade, empty_database)
    assert await shape_of(empty_database) == below


@pytest.mark.parametrize("work", [schema.upgrade, schema.downgrade, schema.current, schema.check])
async def test_x11_a_schema_of_a_newer_version_is_told_as_such(database_url: str, work: Callable[..., Any]) -> None:
    async with connected(database_url) as connection:
        await connection.execute("UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match=r"no revision 9999\..*a newer version made its schema"):
        await asyncio.to_thread(work, owner_url_of(database_url))


async def test_a_revision_that_never_was(database_url: str) -> None:
    with pytest.raises(SchemaError, match="This version has no revision 0000"):
        await _off_the_loop(schema.downgrade, database_url, "0000")


async def test_more_steps_than_there_are(empty_database: str) -> None:
    await _off_the_loop(schema.upgrade, empty_database)
    with pytest.raises(SchemaError, match="Relative revision -99"):
        await _off_the_loop(schema.downgrade, empty_database, "-99")


@pytest.fixture
async def ascii_database(database_server: DatabaseServer) -> AsyncIterator[str]:
    """What `CREATE DATABASE` makes on a server that was set up without a locale."""
    url = database_server.url_of(f"test_{secrets.token_hex(8)}")
    name = urlsplit(url).path.strip("/")
    kind = "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    async with connected(database_server.url) as connection:
        await connection.execute(f"CREATE DATABASE {name} {kind}")
    yield owner_url_of(url)
    await database_server.drop(url)


async def test_a_database_that_cannot_keep_every_name_gets_no_schema(ascii_database: str) -> None:
    with pytest.raises(SchemaError, match=r"keeps text in SQL_ASCII.* has to be UTF8"):
        await _off_the_loop(schema.upgrade, ascii_database)
    assert await tables_of(ascii_database) == []


async def test_nor_does_the_service_start_on_one(ascii_database: str) -> None:
    """Version 0.1 gave it a schema."""
    async with connected(ascii_database) as connection:
        await connection.execute(f"CREATE TABLE schema_version AS SELECT '{schema_version.NEWEST}' AS version_num")
    with pytest.raises(StartRefused, match="keeps text in SQL_ASCII"):
        async with running(make_container(settings_for(ascii_database))):
            pass


async def test_upgrading_what_is_up_to_date_changes_nothing(database_url: str) -> None:
    before = await shape_of(database_url)
    await _off_the_loop(schema.upgrade, database_url)
    assert await shape_of(database_url) == before
    assert "(head)" in await asyncio.to_thread(schema.current, owner_url_of(database_url))


async def test_no_extension_is_asked_for(database_url: str) -> None:
    """So that the schema lives on any PostgreSQL, and its owner needs no rights beyond its database."""
    assert not [row for row in await shape_of(database_url) if row[1] == "extension"]


async def test_x11_two_upgrades_at_once_both_succeed(empty_database: str) -> None:
    """Both are held at the gate until both are there; then one migrates, and the other finds it done."""
    async with connected(empty_database) as gate:
        await gate.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        upgrades = [_begin_upgrade(empty_database) for _ in range(2)]
        try:
            async with asyncio.timeout(120):
                while await _waiting(gate) < len(upgrades):
                    assert all(upgrade.poll() is None for upgrade in upgrades)
                    await asyncio.sleep(0.05)
            await gate.execute(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
            said = await asyncio.gather(*(asyncio.to_thread(upgrade.communicate) for upgrade in upgrades))
        finally:
            for upgrade in upgrades:
                upgrade.kill()
                upgrade.wait()
    assert [upgrade.returncode for upgrade in upgrades] == [0, 0], said
    await _off_the_loop(schema.check, empty_database)


def _begin_upgrade(url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        crm_auth("db", "upgrade"),
        env=environment_of(settings_on(url)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def _waiting(gate: "Connection[Record]") -> int:
    """How many stand at the gate."""
    high, low = divmod(MIGRATION_LOCK, 1 << 32)
    count: int = await gate.fetchval(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid::bigint = $1::bigint AND objid::bigint = $2::bigint",
        high,
        low,
    )
    return count


async def test_x11_g04_what_a_node_of_before_records_during_the_upgrade_is_sealed(empty_database: str) -> None:
    """It began before the log was there to queue it, and commits while the upgrade goes on."""
    await _off_the_loop(schema.upgrade, empty_database, "0006")
    async with connected(empty_database) as node, connected(empty_database) as observer:
        recording = node.transaction()
        await recording.start()
        await node.execute("INSERT INTO events (id, type, data) VALUES (gen_random_uuid(), 'a.b', '{}')")
        upgrading = asyncio.create_task(_off_the_loop(schema.upgrade, empty_database, "0007"))
        async with asyncio.timeout(20):
            while not await observer.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await recording.commit()
        await upgrading
        assert await observer.fetchval("SELECT count(*) FROM audit_queue") == 1


CHANGES = {
    "another column": "ALTER TABLE users ADD COLUMN stray text",
    "a column less": "ALTER TABLE users DROP COLUMN locale",
    "a column of another type": "ALTER TABLE users ALTER COLUMN authz_epoch TYPE bigint",
    "a column that may be empty": "ALTER TABLE users ALTER COLUMN email DROP NOT NULL",
    "no unique identifier": "ALTER TABLE users DROP CONSTRAINT users_email_canonical_key",
    "no index": "DROP INDEX sessions_user_id_created_at_idx",
    "no unique index": "DROP INDEX signing_keys_one_active_key",
    "no foreign key": "ALTER TABLE sessions DROP CONSTRAINT sessions_user_id_fkey",
    "a table less": "DROP TABLE rate_limits",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_check_sees_a_changed_schema(database_url: str, change: str) -> None:
    await _off_the_loop(schema.check, database_url)
    async with connected(database_url) as connection:
        await connection.execute(change)
    with pytest.raises(SchemaError, match="not those of this version"):
        await _off_the_loop(schema.check, database_url)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DROP FUNCTION end_sessions_beyond", "end_sessions_beyond is missing"),
        ("ALTER TABLE events DISABLE TRIGGER events_queued", r"events\.events_queued is missing or off"),
        (
            "CREATE OR REPLACE FUNCTION audit_queue_event() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
            "audit_queue_event is another",
        ),
    ],
)
async def test_check_sees_a_changed_function_or_trigger(database_url: str, change: str, said: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute(change)
    with pytest.raises(SchemaError, match=said):
        await _off_the_loop(schema.check, database_url)


async def test_every_function_and_trigger_is_among_those_that_are_checked(database_url: str) -> None:
    async with connected(database_url) as connection:
        functions = {row["name"] for row in await connection.fetch(routines._FUNCTIONS)}
        triggers = {row["name"] for row in await connection.fetch(routines._TRIGGERS)}

    assert functions == set(routines.FUNCTIONS)
    assert triggers == routines.TRIGGERS


async def test_x11_a_table_that_stays_locked_stops_the_migration_and_not_the_service(database_url: str) -> None:
    """X11: the migration gives up; nothing queues up behind it for long, and nothing is half done."""
    before = await shape_of(database_url)
    async with connected(database_url) as other, other.transaction():
        await other.execute("LOCK TABLE sessions IN ACCESS SHARE MODE")
        with pytest.raises(SchemaError, match="lock timeout"):
            await _off_the_loop(schema.downgrade, database_url, "base")
    assert await shape_of(database_url) == before


async def test_x11_an_upgrade_that_is_killed_in_the_middle_is_done_again(empty_database: str) -> None:
    """It waits for a table, in the middle of its steps, when it is killed."""
    await _off_the_loop(schema.upgrade, empty_database, "0005")
    async with connected(empty_database) as observer:
        async with connected(empty_database) as node, node.transaction():
            await node.execute("INSERT INTO events (id, type, data) VALUES (gen_random_uuid(), 'a.b', '{}')")
            upgrade = _begin_upgrade(empty_database)
            try:
                async with asyncio.timeout(120):
                    while not await observer.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                        assert upgrade.poll() is None
                        await asyncio.sleep(0.01)
            finally:
                upgrade.kill()
                upgrade.communicate()
        await _off_the_loop(schema.upgrade, empty_database)
        await _off_the_loop(schema.check, empty_database)
        assert await observer.fetchval("SELECT count(*) FROM audit_queue") == 1, "what was committed meanwhile"


async def test_an_unknown_revision_is_refused(database_url: str) -> None:
    with pytest.raises(SchemaError):
        await _off_the_loop(schema.upgrade, database_url, "9999")
    with pytest.raises(SchemaError):
        await _off_the_loop(schema.downgrade, database_url, "nothing")


def _db(*arguments: str, url: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return run_crm_auth("db", *arguments, settings=settings_on(url, **more))


def test_the_commands(empty_database: str) -> None:
    at_first = _db("check", url=empty_database)
    assert (at_first.returncode, "crm-auth db upgrade" in at_first.stderr) == (1, True)
    assert _db("current", url=empty_database).stdout == "no schema\n"
    upgraded = _db("upgrade", url=empty_database)
    assert (upgraded.returncode, upgraded.stdout) == (0, f"{schema_version.NEWEST} (head)\n")
    assert _db("current", url=empty_database).stdout == upgraded.stdout
    assert _db("check", url=empty_database).returncode == 0
    unconfirmed = _db("downgrade", "base", url=empty_database)
    assert unconfirmed.returncode != 0, "data would be lost"
    assert _db("check", url=empty_database).returncode == 0
    assert _db("downgrade", "-1", "--yes", url=empty_database).returncode == 0, "no option, but a revision"
    assert _db("check", url=empty_database).returncode == 1
    down = _db("downgrade", "base", "--yes", url=empty_database)
    assert (down.returncode, down.stdout) == (0, "no schema\n")
    assert _db("check", url=empty_database).returncode == 1
    assert _db("upgrade", "9999", url=empty_database).returncode == 1


def test_a_database_that_is_not_there() -> None:
    refused = _db("upgrade", url="postgresql://somebody:s3cret-word@127.0.0.1:1/nowhere")
    assert refused.returncode == 1
    assert refused.stderr.startswith("crm-auth: ")
    assert "Traceback" not in refused.stderr
    assert "s3cret-word" not in refused.stderr


ROLE = "crm_auth_test_role"


@pytest.fixture
async def role_and_database(database_server: DatabaseServer) -> AsyncIterator[str]:
    """The URL of a role and a database that are not there yet, and are not there afterwards."""
    async with connected(database_server.url) as admin:
        if not await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            pytest.skip("the role of this test server may not make roles, as the embedded one's may not")
        parts = urlsplit(database_server.url)
        address = parts.netloc.rpartition("@")[2]
        yield urlunsplit(parts._replace(netloc=f"{ROLE}:pass%27word@{address}", path=f"/{ROLE}"))
        await admin.execute(f"DROP DATABASE IF EXISTS {ROLE}")
        for role in (ROLE, f"{ROLE}_owner"):
            await admin.execute(f"DROP ROLE IF EXISTS {role}")


@pytest.mark.superuser
async def test_init_makes_role_and_database(database_server: DatabaseServer, role_and_database: str) -> None:
    url, admin_url = role_and_database, database_server.url
    first = await asyncio.to_thread(_db, "init", url=url, database_admin_url=admin_url)
    assert first.returncode == 0, first.stderr
    assert f"role {ROLE} made" in first.stdout
    assert f"database {ROLE} made" in first.stdout
    again = await asyncio.to_thread(_db, "init", url=url, database_admin_url=admin_url)
    assert (again.returncode, "made" in again.stdout) == (0, False), "what is there is left"
    assert (await asyncio.to_thread(_db, "upgrade", url=url)).returncode == 0
    assert (await asyncio.to_thread(_db, "check", url=url)).returncode == 0
    async with connected(url) as connection:
        rights = "rolsuper OR rolcreatedb OR rolcreaterole"
        assert await connection.fetchval(f"SELECT {rights} FROM pg_roles WHERE rolname = $1", ROLE) is False
        assert await connection.fetchval("SHOW statement_timeout") == "2s", "also behind a pooler"
        assert await connection.fetchval("SHOW lock_timeout") == "1500ms"


@pytest.mark.superuser
async def test_c05_the_password_of_a_new_role_is_in_no_statement(
    database_server: DatabaseServer, role_and_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers log statements that fail, and as many keep those that make roles."""
    said: list[str] = []
    execute, fetchval = asyncpg.Connection.execute, asyncpg.Connection.fetchval

    async def spied(how: Any, connection: Any, *given: Any, **named: Any) -> Any:
        said.append(repr(given))
        return await how(connection, *given, **named)

    monkeypatch.setattr(asyncpg.Connection, "execute", lambda *given, **named: spied(execute, *given, **named))
    monkeypatch.setattr(asyncpg.Connection, "fetchval", lambda *given, **named: spied(fetchval, *given, **named))
    await initialise(database_server.url, role_and_database, None)
    monkeypatch.undo()

    assert any("CREATE ROLE" in each for each in said)
    assert not any("word" in each.replace("PASSWORD", "") for each in said)
    async with connected(role_and_database) as connection:
        assert await connection.fetchval("SELECT current_user") == ROLE


@pytest.mark.superuser
async def test_c05_a_password_with_more_than_one_reading_makes_no_role(
    database_server: DatabaseServer, role_and_database: str
) -> None:
    ambiguous = role_and_database.replace("pass%27word", "pass%C2%AAword")
    with pytest.raises(SchemaError, match="beyond ASCII"):
        await initialise(database_server.url, ambiguous, None)


OWNER = f"{ROLE}_owner"


def _as_owner(url: str) -> str:
    return url.replace(f"//{ROLE}:pass%27word@", f"//{OWNER}:another@")


@pytest.mark.superuser
async def test_c05_init_makes_two_roles(database_server: DatabaseServer, role_and_database: str) -> None:
    both = {"url": role_and_database, "database_migration_url": _as_owner(role_and_database)}
    made = await asyncio.to_thread(_db, "init", **both, database_admin_url=database_server.url)
    assert (made.returncode, made.stdout.count(" made")) == (0, 3), made.stderr
    assert (await asyncio.to_thread(_db, "upgrade", **both)).returncode == 0
    assert (await asyncio.to_thread(_db, "check", **both)).returncode == 0
    service = await asyncpg.connect(role_and_database)
    try:
        assert await service.fetchval("SHOW search_path") == "public, pg_temp"
        assert await service.fetchval("SHOW statement_timeout") == "2s"
        assert await service.fetchval("SELECT count(*) FROM users") == 0
        for forbidden in (
            "CREATE TABLE t ()",
            "CREATE TEMPORARY TABLE t ()",
            "SELECT lo_create(0)",
            "DROP TABLE users",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute(forbidden)
    finally:
        await service.close()
    refused = await asyncio.to_thread(_db, "downgrade", "--yes", url=role_and_database)
    assert (refused.returncode, "permission" in refused.stderr or "owner" in refused.stderr) == (1, True)


@pytest.mark.superuser
async def test_c05_what_one_role_owned_is_handed_over(database_server: DatabaseServer, role_and_database: str) -> None:
    """And the service goes on in between, under the role that it has."""
    admin_url = database_server.url
    await asyncio.to_thread(schema.initialise, admin_url, role_and_database)
    await asyncio.to_thread(schema.upgrade, role_and_database)
    service = await asyncpg.connect(role_and_database)
    try:
        await service.execute("INSERT INTO unowned_photos (id) VALUES ('kept')")
        owner_url = _as_owner(role_and_database)
        done = await asyncio.to_thread(schema.initialise, admin_url, role_and_database, owner_url)
        assert f"table public.users handed over to {OWNER}" in done
        assert await service.fetchval("SELECT id FROM unowned_photos") == "kept"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute("DROP TABLE unowned_photos")
        await asyncio.to_thread(schema.check, owner_url, service_role=ROLE)
        again = await asyncio.to_thread(schema.initialise, admin_url, role_and_database, owner_url)
        assert not [line for line in again if "handed" in line or "made" in line]
    finally:
        await service.close()


@pytest.mark.superuser
async def test_c05_an_administrator_who_is_no_superuser_will_do(
    database_server: DatabaseServer, role_and_database: str
) -> None:
    """As managed services have it."""
    admin = f"{ROLE}_admin"
    parts = urlsplit(database_server.url)
    admin_url = urlunsplit(parts._replace(netloc=f"{admin}:third@{parts.netloc.rpartition('@')[2]}"))
    async with connected(database_server.url) as superuser:
        await superuser.execute(f"CREATE ROLE {admin} LOGIN CREATEDB CREATEROLE PASSWORD 'third'")
        try:
            owner_url = _as_owner(role_and_database)
            await asyncio.to_thread(schema.initialise, admin_url, role_and_database, owner_url)
            await asyncio.to_thread(schema.upgrade, owner_url, service_role=ROLE)
            await asyncio.to_thread(schema.check, owner_url, service_role=ROLE)
        finally:
            await superuser.execute(f"DROP DATABASE IF EXISTS {ROLE}")
            for role in (ROLE, OWNER, admin):
                await superuser.execute(f"DROP ROLE IF EXISTS {role}")


def test_init_says_what_it_needs(empty_database: str) -> None:
    refused = _db("init", url=empty_database)
    assert refused.returncode == 1
    assert "CRM_AUTH_DATABASE_ADMIN_URL" in refused.stderr
