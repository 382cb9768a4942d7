"""The schema this version of the code is written for, and the one a database has.

Apart from the migrations, which need a second of imports that a service whose schema is right never needs.
"""

import asyncio

import asyncpg

NEWEST = "0001"
"""The newest migration; a test holds it to that."""

REVISION = "SELECT version_num FROM schema_version"


class SchemaError(RuntimeError):
    """The schema is not where it should be, or cannot be brought there; the message is for the operator."""


def is_newest(url: str) -> bool:
    """Whether the database is known to have the schema; ``False`` whenever it cannot be told."""
    return asyncio.run(_revision(url)) == NEWEST


async def _revision(url: str) -> str | None:
    try:
        connection = await asyncpg.connect(url, statement_cache_size=0)
    except (OSError, asyncpg.PostgresError):
        return None
    try:
        revision: str = await connection.fetchval(REVISION)
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return revision
