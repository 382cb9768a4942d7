"""How long the audit log is kept, who extends it, and by which keys."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from application.audit.publish_heads import PublishHeads
from application.origin import Origin
from domain.errors import ServiceUnavailable
from infrastructure.audit.head_files import FILE_NAME, FileHeadPublisher
from infrastructure.audit.verifier import (
    HeldHeads,
    TrustedKeys,
    Unreadable,
    Verification,
    head_of,
    held_heads_in,
    lines_of,
)
from infrastructure.postgres.audit_backlog import PostgresAuditBacklog
from tests.support.audit import AuditedWorld, audited
from tests.support.audit_log import KEPT
from tests.support.database import DatabaseServer
from tests.support.rows import connected
from tests.support.server import settings_on


@pytest.fixture(scope="module")
async def opened(database_server: DatabaseServer) -> AsyncIterator[AuditedWorld]:
    """One database for all tests."""
    url = await database_server.create()
    async with audited(url) as log:
        yield log
    await database_server.drop(url)


@pytest.fixture
async def log(opened: AuditedWorld) -> AuditedWorld:
    await opened.world.empty()
    return opened


async def test_the_record_goes_with_what_is_dropped(log: AuditedWorld) -> None:
    await log.seal_long_ago(3)
    await log.fail_to_log_in(None, 4)
    await log.seal()
    assert await log.drop() == 3
    assert len(await log.database.fetch("SELECT FROM events")) == 4


async def test_g04_a_front_that_somebody_cut_off_is_not_taken_for_retention(log: AuditedWorld) -> None:
    for _ in range(3):
        await log.fail_to_log_in(None, 2)
        await log.seal()
    await log.owner.fetch("DELETE FROM audit_entries WHERE sequence <= 4")
    await log.owner.fetch("DELETE FROM audit_heads WHERE sequence < 4")
    found = [(finding.kind, finding.sequence) for finding in (await log.verified()).findings]
    assert found == [("missing", 1)]


async def test_g04_the_first_entry_behind_what_was_dropped_is_proved_too(log: AuditedWorld) -> None:
    """By the hash that the heads say the log begins behind, once the head there is gone."""
    await log.seal_long_ago(3)
    held = [line for line in await log.export() if line["kind"] == "head"]
    await log.fail_to_log_in(None, 2)
    await log.seal()
    assert await log.drop() == 3
    await log.owner.fetch("DELETE FROM audit_heads WHERE sequence = 3")
    report = await log.verified(held)
    assert report.is_intact, report.findings
    await log.owner.fetch("UPDATE audit_entries SET entry = replace(entry, 'log_in', 'log_on') WHERE sequence = 4")
    assert [(finding.kind, finding.sequence) for finding in (await log.verified()).findings] == [("altered", 4)]


async def test_g04_a_held_head_is_compared_with_where_the_log_begins(log: AuditedWorld) -> None:
    await log.seal_long_ago(3)
    keys = TrustedKeys(await log.trail.public_keys())
    held = [line for line in await log.export() if line["kind"] == "head"]
    await log.world.empty()
    await log.seal_long_ago(3)
    await log.fail_to_log_in(None)
    await log.seal()
    assert await log.drop() == 3
    await log.owner.fetch("DELETE FROM audit_heads WHERE sequence = 3")
    for key in await log.trail.public_keys():
        keys.trust(key)
    report = Verification(keys, held).run(await log.export())
    assert [(finding.kind, finding.sequence) for finding in report.findings] == [("head_contradicted", 3)]


async def test_g04_what_was_dropped_cannot_come_back_as_something_else(log: AuditedWorld) -> None:
    await log.seal_long_ago(3)
    await log.fail_to_log_in(None)
    await log.seal()
    last = (await log.export())[2]
    assert await log.drop() == 3
    lines = [{**last, "entry": "{}"}, *(line for line in await log.export() if line["kind"] == "entry")]
    lines.append((await log.export())[-1])
    report = Verification(TrustedKeys(await log.trail.public_keys())).run(lines)
    assert ("altered", 3) in [(finding.kind, finding.sequence) for finding in report.findings]


@pytest.mark.parametrize("before", ["now()", "now() - interval '40 days'"])
async def test_g04_the_function_drops_nothing_that_is_not_expired(log: AuditedWorld, before: str) -> None:
    await log.seal_long_ago(2)
    await log.fail_to_log_in(None, 2)
    await log.seal()
    async with connected(log.url) as connection:
        with pytest.raises(asyncpg.RaiseError):
            await connection.execute(f"SELECT audit_drop_before(4, {before})")
        with pytest.raises(asyncpg.RaiseError, match="no head"):
            await connection.execute("SELECT audit_drop_before(1, now() - interval '40 days')")
    assert (await log.verified()).entries == 4


async def test_what_is_dropped_is_found_without_a_look_at_all_that_is_kept(log: AuditedWorld) -> None:
    """Retention has two seconds a statement, however long the log is."""
    await log.seal_long_ago(3)
    await log.fail_to_log_in(None, 60)
    await log.seal()
    looked_at = "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'audit_entries'"
    async with connected(log.url) as connection, connection.transaction():
        # As it is with a long log; one this short is read through.
        await connection.execute("SET LOCAL enable_seqscan = off")
        assert await connection.fetchval("SELECT audit_drop_before(3, now() - $1::interval)", KEPT) == 3
        row = await connection.fetchrow(looked_at)
    assert row
    assert row["seq_scan"] == 0
    assert row["idx_tup_fetch"] <= 8
    assert len(await log.database.fetch("SELECT FROM audit_keys")) == 1


async def test_a_key_that_cannot_be_opened_is_told_of(log: AuditedWorld, caplog: pytest.LogCaptureFixture) -> None:
    await log.fail_to_log_in(None)
    await log.seal()
    await log.tables.damage_keys()
    await log.fail_to_log_in(None, 2)
    assert await log.seal() == 2
    assert [record.levelname for record in caplog.records if record.name == "crm_auth.audit"] == ["CRITICAL"]


async def test_g04_a_batch_that_fails_leaves_nothing(log: AuditedWorld) -> None:
    await log.fail_to_log_in(None, 3)
    async with connected(log.url) as connection, connection.transaction():
        await connection.execute("LOCK TABLE audit_heads IN SHARE MODE")
        with pytest.raises(ServiceUnavailable):
            await log.seal()
    assert not await log.database.fetch("SELECT FROM audit_entries")
    assert await log.seal() == 3
    assert (await log.verified()).is_intact


async def test_k08_a_key_that_was_rotated_signs_nothing_any_more(log: AuditedWorld) -> None:
    await log.fail_to_log_in(None)
    await log.seal()
    (first,) = await log.trail.public_keys()
    before = [line for line in await log.export() if line["kind"] == "head"]
    await log.owner.fetch("CREATE TABLE kept_key AS SELECT * FROM audit_signing_keys")
    await log.rotate(Origin(operator="root"))
    keys, rotated = TrustedKeys([first]), [line for line in await log.export() if line["kind"] == "head"]
    await log.owner.fetch("DELETE FROM audit_heads WHERE number > 1")
    await log.owner.fetch("DELETE FROM audit_signing_keys")
    await log.owner.fetch("INSERT INTO audit_signing_keys SELECT * FROM kept_key")
    await log.owner.fetch("DROP TABLE kept_key")
    for _ in range(2):
        await log.fail_to_log_in(None)
        await log.seal()
    forged = [line for line in await log.export() if line["kind"] == "head"][-1]
    assert head_of(forged, TrustedKeys([first])), "who has the key can sign"
    assert all(head_of(line, keys) for line in (*before, *rotated))
    assert head_of(forged, keys) is None
    assert all(head_of(line, keys) for line in (*before, *rotated)), "also when it is read again"


async def test_heads_are_written_off_the_host_once_and_in_order(
    log: AuditedWorld, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere") / "heads"
    publish = PublishHeads(log.ledger, [FileHeadPublisher(folder)])
    for _ in range(2):
        await log.fail_to_log_in(None)
        await log.seal()
        assert await publish() == 1
    assert await publish() == 0
    with (folder / FILE_NAME).open(encoding="utf-8") as file:
        held = list(lines_of(file, FILE_NAME))
    assert held == [line for line in await log.export() if line["kind"] == "head"]
    report = Verification(TrustedKeys(await log.trail.public_keys()), held).run(await log.export())
    assert (report.is_intact, report.held_heads) == (True, 2)


@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_heads_are_taken_out_of_the_log_of_the_service(
    log: AuditedWorld, tmp_path_factory: pytest.TempPathFactory, log_format: str
) -> None:
    await log.fail_to_log_in(None)
    await log.seal()
    file = tmp_path_factory.mktemp("elsewhere") / "service.log"
    publish = """
import asyncio, logging, os, sys
from bootstrap.logs import configure
from bootstrap.settings import Settings
from domain.audit.head import SignedHead
from infrastructure.audit.head_log import LogHeadPublisher
configure(Settings.from_environment(os.environ))
logging.getLogger("other").warning("said {besides}")
head = SignedHead(body=sys.argv[1], signature=bytes.fromhex(sys.argv[2]))
asyncio.run(LogHeadPublisher().publish([head]))
"""
    (head,) = (line for line in await log.export() if line["kind"] == "head")
    settings = settings_on(log.url, log_format=log_format)
    command = [sys.executable, "-c", publish, head["body"], head["signature"]]
    with file.open("w") as stream:
        process = await asyncio.create_subprocess_exec(*command, stderr=stream, env=settings | {"PYTHONPATH": "src"})
        assert await process.wait() == 0, file.read_text()
    assert held_heads_in(str(file)) == HeldHeads([head], [])


@pytest.mark.parametrize("said", ["", '{"event": "request", "level": "info"}\n', "of nothing\n", '{"kind": "hea\n'])
def test_g04_a_file_without_any_head_proves_nothing(tmp_path: Path, said: str) -> None:
    file = tmp_path / "service.log"
    file.write_text(said)
    with pytest.raises(Unreadable, match="holds no head"):
        held_heads_in(str(file))


async def test_a_line_that_was_cut_short_spoils_no_other(log: AuditedWorld, tmp_path: Path) -> None:
    publish = PublishHeads(log.ledger, [FileHeadPublisher(tmp_path)])
    await log.fail_to_log_in(None)
    await log.seal()
    await publish()
    whole = (tmp_path / FILE_NAME).read_text()
    (tmp_path / FILE_NAME).write_text(whole + whole[:60])
    await log.fail_to_log_in(None)
    await log.seal()
    await publish()
    held = held_heads_in(str(tmp_path / FILE_NAME))
    assert (len(held.heads), held.unreadable) == (2, [2])
    keys = TrustedKeys(await log.trail.public_keys())
    report = Verification(keys, held.heads, held.unreadable).run(await log.export())
    assert [finding.kind for finding in report.findings] == ["malformed"]
    (tmp_path / FILE_NAME).write_text(whole[:60] + whole)
    assert held_heads_in(str(tmp_path / FILE_NAME)).heads == held.heads[:1], "nor one on the same line"


async def test_a_folder_that_is_away_loses_no_head(log: AuditedWorld, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("elsewhere") / "heads"
    folder.write_text("no folder")
    publish = PublishHeads(log.ledger, [FileHeadPublisher(folder)])
    await log.fail_to_log_in(None)
    await log.seal()
    with pytest.raises(OSError, match="heads"):
        await publish()
    folder.unlink()
    assert await publish() == 1


async def test_how_far_behind_sealing_is_can_be_asked(log: AuditedWorld) -> None:
    backlog = PostgresAuditBacklog(log.database)
    await backlog.look()
    assert (backlog.unsealed, backlog.oldest_seconds, backlog.unwritten) == (0, 0.0, 0)
    await log.fail_to_log_in(None, 2)
    await backlog.look()
    assert (backlog.unsealed, backlog.unwritten) == (2, 0)
    assert backlog.oldest_seconds > 0
    await log.seal()
    await backlog.look()
    assert (backlog.unsealed, backlog.oldest_seconds, backlog.unwritten) == (0, 0.0, 1)
