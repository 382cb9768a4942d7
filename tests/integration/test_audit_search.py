"""Looking into a long audit log: no statement reads all of it, and nothing that is wanted is missed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from application.audit.ports import AuditQuery
from infrastructure.postgres import audit_trail
from tests.support.audit import AuditedWorld, audited
from tests.support.builders import registered

STRETCH = 3
RARE = AuditQuery(types=["user.registered"])
LONG_AGO, SOON = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
async def log(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AuditedWorld]:
    """Two rare entries, at 1 and 12, among ordinary ones, 20 in all."""
    monkeypatch.setattr(audit_trail, "STRETCH", STRETCH)
    async with audited(database_url) as log:
        await registered(log.world)
        await log.fail_to_log_in(None, 10)
        await registered(log.world)
        await log.fail_to_log_in(None, 8)
        await log.seal()
        yield log


async def found(log: AuditedWorld, query: AuditQuery, after: int = 0, up_to: int = 100) -> list[int]:
    return [each["sequence"] async for each in await log.search(query, after=after, up_to=up_to)]


async def test_g01_what_is_rare_is_found_wherever_it_is(log: AuditedWorld) -> None:
    assert await found(log, RARE) == [1, 12]
    assert await found(log, RARE, after=1) == [12]
    assert await found(log, RARE, up_to=11) == [1]
    assert await found(log, RARE, after=12) == []
    assert len(await found(log, AuditQuery(since=LONG_AGO))) == 20
    assert await found(log, AuditQuery(since=SOON)) == []
    assert len(await found(log, AuditQuery(until=SOON, types=["log_in."]), after=2)) == 17


async def test_g01_the_last_of_what_is_rare_is_found(log: AuditedWorld) -> None:
    for at_most, up_to, wanted in [(2, 100, [1, 12]), (1, 100, [12]), (5, 11, [1]), (5, 0, [])]:
        last = await log.search.last(RARE, at_most=at_most, up_to=up_to)
        assert [each["sequence"] for each in last] == wanted
    assert await log.search.end() == 20


async def test_g01_what_was_dropped_from_the_front_is_not_looked_through(log: AuditedWorld) -> None:
    """As where a log is kept for a year, and is asked for the second of ten."""
    async with audited(log.url) as other:
        await other.owner.fetch("ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_append_only")
        await other.owner.fetch("DELETE FROM audit_entries WHERE sequence < 10")
        assert await found(log, RARE) == [12]
        assert [each["sequence"] for each in await log.search.last(RARE, at_most=5)] == [12]
