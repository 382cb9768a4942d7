"""Making roles and database, as their administrator: what ``crm-auth db init`` does.

Two roles: the owner, who has schema and tables and runs migrations, and the service's, which has no more than
:mod:`infrastructure.postgres.grants` gives it (C05). Or one for both, for whoever has no second.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

import asyncpg

from infrastructure.postgres import grants
from infrastructure.postgres.connection_pool import Connection
from infrastructure.postgres.grants import quoted
from infrastructure.postgres.schema_version import SchemaError
from infrastructure.postgres.scram import scram_verifier

_TIME_LIMITS = {
    "lock_timeout": "1500ms",
    "statement_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
}
"""Those of :class:`~infrastructure.postgres.database.DatabaseOptions`, for connections that cannot set them."""
_SEARCH_PATH = "public, pg_temp"
"""Named last: a temporary table never takes the place of one of ours (CVE-2018-1058 and its kin)."""
_NO_RIGHTS = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"

# Whatever belongs to our schema and to somebody else; sequences of identity columns follow their table.
_OTHERS_OBJECTS = """
SELECT format('TABLE public.%I', relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND relname = ANY ($2::text[]) AND relowner <> (SELECT oid FROM pg_roles WHERE rolname = $1)
UNION ALL
SELECT 'FUNCTION ' || p.oid::regprocedure::text FROM pg_proc AS p
WHERE pronamespace = 'public'::regnamespace AND proowner = (
    SELECT relowner FROM pg_class WHERE oid = to_regclass('public.schema_version')
) AND proowner <> (SELECT oid FROM pg_roles WHERE rolname = $1)
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
"""
# Every role may fill the disk with large objects, which belong to no table. Nothing of ours makes any.
_LARGE_OBJECTS = """
SELECT 'FUNCTION ' || oid::regprocedure::text FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace
    AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lowrite')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who signs in to what, as a URL names it."""

    user: str
    password: str = field(repr=False)
    database: str


def user_of(url: str) -> str | None:
    """The role that a URL signs in as, where it names one."""
    parts = urlsplit(url)
    return unquote(parts.username) if parts.username else next(iter(parse_qs(parts.query).get("user", ())), None)


async def initialise(admin_url: str, url: str, migration_url: str | None) -> list[str]:
    """Make the roles and the database that the URLs name, where they are missing, and hand over what is there.

    Gives what was done, a line each. Raises SchemaError, and what PostgreSQL refuses.
    """
    service = _login("CRM_AUTH_DATABASE_URL", url)
    owner = _login("CRM_AUTH_DATABASE_MIGRATION_URL", migration_url) if migration_url else service
    if owner.database != service.database:
        raise SchemaError("CRM_AUTH_DATABASE_URL and CRM_AUTH_DATABASE_MIGRATION_URL must name the same database.")
    connection = await asyncpg.connect(admin_url)
    try:
        done = [line async for line in _made(connection, service, owner)]
    finally:
        await connection.close()
    if owner.user == service.user:
        return done
    connection = await asyncpg.connect(_on_database(admin_url, service.database))
    try:
        async with connection.transaction():
            return done + [line async for line in _handed_over(connection, service, owner)]
    finally:
        await connection.close()


def _login(setting: str, url: str) -> Login:
    parts = urlsplit(url)
    database = unquote(parts.path.strip("/"))
    if not parts.username or not parts.password or not database:
        raise SchemaError(f"{setting} must name a user, a password and a database to be made.")
    return Login(user=unquote(parts.username), password=unquote(parts.password), database=database)


def _on_database(admin_url: str, database: str) -> str:
    parts = urlsplit(admin_url)
    query = "&".join(part for part in parts.query.split("&") if not part.startswith(("database=", "dbname=")))
    return urlunsplit(parts._replace(path=f"/{database}", query=query))


async def _made(connection: Connection, service: Login, owner: Login) -> AsyncIterator[str]:
    database = quoted(service.database)
    for login in dict.fromkeys((owner, service)):
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", login.user):
            await connection.execute(
                f"CREATE ROLE {quoted(login.user)} LOGIN {_NO_RIGHTS} PASSWORD '{_verifier(login)}'"
            )
            yield f"role {login.user} made"
        await _let_admin_act_for(connection, login.user)
    for name, value in _TIME_LIMITS.items():
        await connection.execute(f"ALTER ROLE {quoted(service.user)} SET {name} = {await _literal(connection, value)}")
    yield f"time limits of {service.user} set"
    owned_by = await connection.fetchval(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", service.database
    )
    if owned_by is None:
        await connection.execute(
            f"CREATE DATABASE {database} OWNER {quoted(owner.user)} ENCODING 'UTF8' TEMPLATE template0"
        )
        yield f"database {service.database} made"
    elif owned_by != owner.user != service.user:
        await connection.execute(f"ALTER DATABASE {database} OWNER TO {quoted(owner.user)}")
        yield f"database {service.database} handed over to {owner.user}"


def _verifier(login: Login) -> str:
    try:
        return scram_verifier(login.password)
    except ValueError as refusal:
        raise SchemaError(f"The role {login.user} cannot be made: {refusal}.") from None


async def _let_admin_act_for(connection: Connection, role: str) -> None:
    """An administrator who is no superuser, as managed services have it, hands over what is theirs to act for."""
    # Since 16 whoever makes a role is a member of it who may not act for it; the word for that is unknown before.
    since_16 = await connection.fetchval("SELECT current_setting('server_version_num')::integer >= 160000")
    if not await connection.fetchval("SELECT pg_has_role($1, $2)", role, "SET" if since_16 else "MEMBER"):
        await connection.execute(f"GRANT {quoted(role)} TO CURRENT_USER")


async def _handed_over(connection: Connection, service: Login, owner: Login) -> AsyncIterator[str]:
    for (named,) in await connection.fetch(_OTHERS_OBJECTS, owner.user, list(grants.GRANTS)):
        await connection.execute(f"ALTER {named} OWNER TO {quoted(owner.user)}")
        yield f"{named.lower()} handed over to {owner.user}"
    await connection.execute(
        f"ALTER ROLE {quoted(service.user)} IN DATABASE {quoted(service.database)} SET search_path = {_SEARCH_PATH}"
    )
    if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        for (named,) in await connection.fetch(_LARGE_OBJECTS):
            await connection.execute(f"REVOKE EXECUTE ON {named} FROM PUBLIC")
    if await connection.fetchval("SELECT to_regclass('public.schema_version')"):
        # Between taking the tables away and the next migration the service goes on.
        await connection.execute(f"SET LOCAL ROLE {quoted(owner.user)}")
        await grants.apply(connection, service.user)
    yield f"rights of {service.user} set"


async def _literal(connection: Connection, value: str) -> str:
    """The server's own quoting."""
    return str(await connection.fetchval("SELECT quote_literal($1::text)", value))
