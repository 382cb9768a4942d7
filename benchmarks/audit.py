"""``python -m benchmarks.audit``: how many events are sealed a second, verified, and what they take of the disk."""

import argparse
import asyncio
import time

from tests.support.audit import audited
from tests.support.database import running_server

_USERS = """
INSERT INTO users (
    id, email, email_canonical, email_verified, username, username_canonical, status, created_at, updated_at
)
SELECT gen_random_uuid(), 'u' || n, 'u' || n, false, 'u' || n, 'u' || n, 'active', now(), now()
FROM generate_series(1, $1) AS n
"""
# Four of five of users, as of sign-ins that go well; the others of nobody.
_EVENTS = """
WITH people AS (SELECT array_agg(id) AS ids FROM users)
INSERT INTO events (id, type, user_id, session_id, request_id, ip_address, user_agent, data)
SELECT gen_random_uuid(), 'session.started', CASE WHEN n % 5 > 0 THEN ids[1 + n % cardinality(ids)] END,
    gen_random_uuid(), md5(n::text), '203.0.113.7', repeat('Mozilla/5.0 ', 10), '{"amr": "pwd"}'
FROM people, generate_series(1, $1) AS n
"""
_SIZE = "SELECT pg_total_relation_size($1::text::regclass) AS size"
_CHUNK = 5000


async def _run(url: str, events: int) -> None:
    async with audited(url) as log:
        await log.database.fetch(_USERS, max(1, events // 20))
        started = time.perf_counter()
        for _ in range(events // _CHUNK):
            await log.database.fetch(_EVENTS, _CHUNK)
        written = time.perf_counter() - started
        started, batches = time.perf_counter(), []
        while True:
            began = time.perf_counter()
            if not await log.seal():
                break
            batches.append(time.perf_counter() - began)
        sealed = time.perf_counter() - started
        started = time.perf_counter()
        report = await log.verified()
        verified = time.perf_counter() - started
        sizes = {
            table: (await log.database.fetch(_SIZE, table))[0]["size"] / events
            for table in ("events", "audit_entries", "audit_heads")
        }
    print(f"{events} events written in {written:.1f} s, one statement for {_CHUNK}")
    print(f"sealed: {events / sealed:.0f} events/s; the slowest batch took {max(batches) * 1000:.0f} ms")
    print(f"verified: {events / verified:.0f} entries/s, intact: {report.is_intact}")
    print(", ".join(f"{table} {size:.0f} bytes an event" for table, size in sizes.items()))


def main() -> None:
    """Run on a database of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=50_000)
    options = parser.parse_args()
    with running_server() as server:
        url = asyncio.run(server.create())
        try:
            asyncio.run(_run(url, options.events))
        finally:
            asyncio.run(server.drop(url))


if __name__ == "__main__":
    main()
