"""Changes that nobody can prove or undo any more are deleted, in batches, and no others."""

from datetime import timedelta

from infrastructure.postgres import email_changes
from infrastructure.postgres.database import Database, DatabaseOptions
from tests.support.rows import connected

_USERS = """
INSERT INTO users (id, email, email_canonical, email_verified, username, username_canonical, status, created_at,
    updated_at)
SELECT gen_random_uuid(), n::text, n::text, true, n::text, n::text, 'active', now(), now()
FROM generate_series(1, 1300) AS n
"""
_PENDING = """
INSERT INTO email_changes (user_id, id, email, email_canonical, requested_at)
SELECT id, gen_random_uuid(), email, email, now() - $1::interval FROM users WHERE email::integer BETWEEN $2 AND $3
"""
_FORMER = """
INSERT INTO former_emails (id, user_id, email, email_canonical, replaced_at)
SELECT gen_random_uuid(), id, email, email, now() - $1::interval FROM users WHERE email::integer BETWEEN $2 AND $3
"""


async def test_what_is_too_old_goes_and_the_rest_stays(database_url: str) -> None:
    """A mail may wait for three days before its link begins to be good for a day, or for three."""
    a_second = timedelta(seconds=5)
    async with connected(database_url) as connection:
        await connection.execute(_USERS)
        for insert, kept in ((_PENDING, timedelta(days=4)), (_FORMER, timedelta(days=6))):
            await connection.execute(insert, kept + a_second, 1, 1200)
            await connection.execute(insert, kept - a_second * 10, 1201, 1300)
        async with Database(DatabaseOptions(url=database_url, pool_size=1)).opened() as database:
            await email_changes.purge(database)
        for table in ("email_changes", "former_emails"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 100
