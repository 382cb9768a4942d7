"""What the operator guide says of a log that was altered: by its statements sealing goes on, and the rest verifies."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.audit.errors import AuditLogAltered
from tests.support.audit import AuditedWorld, audited
from tests.support.rows import connected

GUIDE = Path(__file__).parents[2] / "docs/guides/operator.md"
FORGED = """
INSERT INTO audit_entries (sequence, entry, personal, hash)
SELECT 4, replace(entry, entry::jsonb ->> 'event', '01900000-0000-7000-8000-000000000000'), '', hash
FROM audit_entries WHERE sequence = 3;
INSERT INTO audit_heads (number, body, signature)
SELECT 2, replace(body, '"sequence":3', '"sequence":4'), signature FROM audit_heads WHERE number = 1
"""


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[AuditedWorld]:
    """Three entries under one head."""
    async with audited(database_url) as log:
        await log.fail_to_log_in(None, 3)
        await log.seal()
        yield log


def recipe() -> str:
    _, _, behind = GUIDE.read_text(encoding="utf-8").partition("**When the worker finds the log altered**")
    found = re.search(r"```sql\n(.+?)```", behind, re.DOTALL)
    assert found
    return found[1]


async def altered(log: AuditedWorld, statements: str) -> None:
    async with connected(log.url) as owner:
        await owner.execute(statements)
    await log.fail_to_log_in(None)
    with pytest.raises(AuditLogAltered):
        await log.seal()


@pytest.mark.parametrize(
    ("statements", "forged"),
    [(FORGED, "2"), (FORGED.partition("INSERT INTO audit_heads")[0], "NULL")],
    ids=["an entry and a head", "an entry"],
)
async def test_g04_what_was_appended_is_removed(log: AuditedWorld, statements: str, forged: str) -> None:
    await altered(log, statements)
    async with connected(log.url) as owner:
        await owner.execute(recipe().replace("IN (NULL)", f"IN ({forged})"))

    assert await log.seal() == 1
    report = await log.verified()
    assert (report.is_intact, report.entries) == (True, 4)


@pytest.mark.parametrize("table", ["audit_entries", "audit_heads"])
async def test_g04_where_the_end_was_removed_the_log_begins_anew(log: AuditedWorld, table: str) -> None:
    await altered(log, f"DELETE FROM {table} WHERE {'sequence = 3' if table == 'audit_entries' else 'number = 1'}")
    begun_anew = re.sub(r"(DELETE FROM .+\n)+", "TRUNCATE audit_entries, audit_heads;\n", recipe())
    assert "DELETE" not in begun_anew
    async with connected(log.url) as owner:
        await owner.execute(begun_anew)

    assert await log.seal() == 1
    report = await log.verified()
    assert (report.is_intact, report.entries) == (True, 1)
