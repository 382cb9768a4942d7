"""``python -m benchmarks.churn``: a year of sessions in some minutes, and what sign-ins notice of the purge.

Sessions are written with the times of a day in the past, one day after the other, and each day is followed by the
purge that it would have had: one whose retention reaches as much further back. So the table is written to and deleted
from as in a year; vacuum runs once a day, as autovacuum would many times.
"""

import argparse
import asyncio
import statistics
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from application.accounts.register_user import Registration
from application.origin import Origin
from application.sessions.log_in import LogInRequest
from bootstrap.container import Container, make_container
from bootstrap.lifespan import running
from bootstrap.settings import Settings
from infrastructure.postgres import session_purge
from infrastructure.postgres.database import Database, DatabaseOptions
from tests.support.database import running_server
from tests.support.server import SECRET_KEY

KEPT = timedelta(days=7)
PASSWORD = "walnut ferry copper sunday"
SIGN_INS = 150
BACKLOG = 200_000
PURGERS = 2

_USERS = """
INSERT INTO users (
    id, email, email_canonical, email_verified, username, username_canonical, status, created_at, updated_at
)
SELECT gen_random_uuid(), 'u' || n || '@example.test', 'u' || n || '@example.test', false, 'u' || n, 'u' || n, 'active',
    now(), now() FROM generate_series(1, 500) AS n
"""
# A fifth asks to be remembered. Most sign out within the day; the others are forgotten until their absolute end.
_A_DAY = """
WITH people AS (SELECT array_agg(id) AS ids FROM users)
INSERT INTO sessions (
    id, user_id, auth_time, amr, client_id, created_at, last_used_at, idle_lifetime, idle_expires_at, expires_at,
    ip_address, user_agent, device, generation, refresh_digest, ended_at, end_reason
)
SELECT gen_random_uuid(), ids[1 + n % cardinality(ids)], day.began, '{pwd}', 'first-party', day.began, day.began,
    '1 hour', day.began + interval '1 hour',
    day.began + CASE WHEN n % 5 = 1 THEN interval '90 days' ELSE interval '1 day' END,
    '203.0.113.7', repeat('Mozilla/5.0 ', 10), 'Firefox on Windows', 0, decode(repeat('ab', 32), 'hex'),
    CASE WHEN n % 10 < 6 THEN day.began + interval '8 hours' END, CASE WHEN n % 10 < 6 THEN 'logged_out' END
FROM generate_series(1, $1::integer) AS n, people, (SELECT now() - $2::interval AS began) AS day
"""
_REFRESHED = """
UPDATE sessions SET generation = generation + 1, rotated_at = now(), last_used_at = now(),
    refresh_sealed = refresh_digest
WHERE created_at = (SELECT max(created_at) FROM sessions)
"""
_SIZE = """
SELECT count(*) AS rows, pg_table_size('sessions') / 1048576.0 AS table_mib,
    pg_indexes_size('sessions') / 1048576.0 AS index_mib FROM sessions
"""
_WAITING = """
SELECT count(*) AS waiting FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO sessions%'
"""


async def churn(database: Database, *, days: int, sessions_a_day: int) -> None:
    """Live through the days, and print what the table has come to at the end of every thirtieth."""
    await database.fetch(_USERS)
    print(f"{'day':>4} {'rows':>8} {'table MiB':>10} {'indexes MiB':>12} {'purge ms':>9}")
    for day in range(1, days + 1):
        ago = timedelta(days=days - day)
        await database.fetch(_A_DAY, sessions_a_day, ago)
        for _ in range(2):
            await database.fetch(_REFRESHED)
        began = time.perf_counter()
        await session_purge.purge(database, KEPT + ago)
        purged_in = time.perf_counter() - began
        await database.fetch("VACUUM sessions")
        if day % 30 == 0 or day == days:
            size = await database.fetch_row(_SIZE)
            assert size is not None
            print(
                f"{day:>4} {size['rows']:>8} {size['table_mib']:>10.1f} {size['index_mib']:>12.1f}"
                f" {purged_in * 1000:>9.1f}"
            )


async def _sign_ins(container: Container) -> list[float]:
    log_in = container.use_cases.log_in()
    took = []
    for _ in range(SIGN_INS):
        began = time.perf_counter()
        await log_in(LogInRequest(identifier="ada", password=PASSWORD), Origin(user_agent="curl/8.5.0"))
        took.append((time.perf_counter() - began) * 1000)
    return took


def _tell(name: str, took: list[float]) -> None:
    p99 = statistics.quantiles(took, n=100)[98]
    print(f"{name:<24} p50 {statistics.median(took):6.1f} ms  p99 {p99:6.1f} ms  most {max(took):6.1f} ms")


async def _purge_on(database: Database, gone: list[int]) -> None:
    while batch := await session_purge.purge(database, KEPT):
        gone.append(batch)


async def _watch(database: Database, seen: list[int]) -> None:
    while True:
        row = await database.fetch_row(_WAITING)
        seen.append(row["waiting"] if row else 0)
        await asyncio.sleep(0.005)


async def sign_ins_beside_purge(database: Database, container: Container) -> None:
    """Sign in alone, and then beside workers that delete a backlog."""
    await container.use_cases.register_user()(
        Registration(email="ada@example.test", username="ada", password=PASSWORD), Origin()
    )
    await _sign_ins(container)
    _tell("sign-in alone", await _sign_ins(container))
    for _ in range(BACKLOG // 20_000):
        await database.fetch(_A_DAY, 20_000, timedelta(days=400))
    gone: list[int] = []
    seen: list[int] = []
    watching = asyncio.create_task(_watch(database, seen))
    purging = [asyncio.create_task(_purge_on(database, gone)) for _ in range(PURGERS)]
    took = await _sign_ins(container)
    while_purging = not all(task.done() for task in purging)
    await asyncio.gather(*purging)
    watching.cancel()
    _tell("sign-in beside the purge", took)
    print(
        f"{sum(gone)} rows deleted by {PURGERS} at once{', to the end of the sign-ins' if while_purging else ''};"
        f" sign-ins seen waiting for a lock: {sum(seen)} of {len(seen)} looks"
    )


async def measure(url: str, *, days: int, sessions_a_day: int) -> None:
    """Both, on one database."""
    options = DatabaseOptions(url=url, statement_timeout=60, answer_timeout=60)
    async with Database(options).opened() as database:
        # Before the service runs, whose own purge knows only the day of today.
        await churn(database, days=days, sessions_a_day=sessions_a_day)
        with TemporaryDirectory() as folder:
            settings = Settings(database_url=url, secret_key=(SECRET_KEY,), rate_limits=False, data_dir=Path(folder))
            async with running(make_container(settings)) as container:
                await sign_ins_beside_purge(database, container)


def main() -> None:
    """Read the arguments, and measure on a database of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.churn", description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--sessions-a-day", type=int, default=2000)
    arguments = parser.parse_args()
    with running_server() as server:
        url = asyncio.run(server.create())
        try:
            asyncio.run(measure(url, days=arguments.days, sessions_a_day=arguments.sessions_a_day))
        finally:
            asyncio.run(server.drop(url))


if __name__ == "__main__":
    main()
