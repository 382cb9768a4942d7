"""What a new deployment begins with: nobody who can sign in (S15)."""

from tests.support.application import served, settings_for
from tests.support.rows import connected

WELL_KNOWN = ("admin", "root", "crm-auth")
PASSWORDS = ("password", "changeme")


async def test_s15_there_are_no_default_accounts(database_url: str) -> None:
    async with served(settings_for(database_url, rate_limits=False)) as client:
        for identifier in WELL_KNOWN:
            for password in (identifier, *PASSWORDS):
                answer = await client.log_in(identifier, password)
                assert answer.status_code in {401, 422}, (identifier, password)
    async with connected(database_url) as connection:
        for table in ("users", "credentials", "sessions"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
