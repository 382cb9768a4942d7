"""The schema this version of the code is written for, and the one a database has.

Apart from the migrations, which need a second of imports that a service whose schema is right never needs.
"""

import asyncio

import asyncpg

from infrastructure.postgres import grants

NEWEST = "0011"
"""The newest migration; a test holds it to that."""

REVISION = "SELECT version_num FROM schema_version"


STANDING = f"""
SELECT ({REVISION}) AS revision, getdatabaseencoding() AS encoding, rolsuper OR relowner = r.oid AS may_alter
FROM pg_roles AS r, pg_class AS c WHERE rolname = current_user AND c.oid = 'schema_version'::regclass
"""
"""Where the schema is, in which encoding text is kept, and whether whoever asks may alter it."""


class SchemaError(RuntimeError):
    """The schema is not where it should be, or cannot be brought there; the message is for the operator."""


def encoding_refused(encoding: str) -> str | None:
    """Why a database that keeps text so will not do, for the operator; ``None`` for one that will."""
    if encoding == "UTF8":
        return None
    return (
        f"The database keeps text in {encoding}, and not everybody's name can be written in that. It has to be UTF8:"
        " `crm-auth db init` makes one that is, and so does `CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0`."
    )


def is_behind(revision: str | None) -> bool:
    """Whether this version needs a newer schema. One that is ahead will do: versions run side by side (X11)."""
    return revision is None or revision < NEWEST


def will_do(url: str, *, service_role: str | None = None) -> bool:
    """Whether the database is known to have the schema, and the service's role the rights that it needs with it.

    The rights on a schema that is ahead are those of the version that made it: what it has tables and functions for,
    this one cannot say. ``False`` whenever it cannot be told.
    """
    return asyncio.run(_will_do(url, service_role))


async def _will_do(url: str, service_role: str | None) -> bool:
    try:
        connection = await asyncpg.connect(url, statement_cache_size=0)
    except (OSError, asyncpg.PostgresError):
        return False
    try:
        revision = await connection.fetchval(REVISION)
        if service_role and revision == NEWEST:
            return not await grants.differences(connection, service_role)
        return not is_behind(revision)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        return False
    finally:
        await connection.close()
