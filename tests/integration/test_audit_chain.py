"""What the verifier of the audit log finds after somebody who has the database was at it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256

import pytest
from asyncpg import Connection, Record

from domain.audit.chain import link_hash
from infrastructure.audit.verifier import Report, TrustedKeys, Verification, told
from tests.support.audit import AuditedWorld, audited
from tests.support.database import DatabaseServer
from tests.support.rows import connected

Tampering = Callable[["Connection[Record]"], Awaitable[object]]


@pytest.fixture(scope="module")
async def opened(database_server: DatabaseServer) -> AsyncIterator[AuditedWorld]:
    """One database for all tests, for making one takes longer than any of them."""
    url = await database_server.create()
    async with audited(url) as log:
        yield log
    await database_server.drop(url)


@pytest.fixture
async def log(opened: AuditedWorld) -> AuditedWorld:
    """Thirteen entries, sealed in four batches."""
    await opened.world.empty()
    ada = await opened.user("Ada")
    for _ in range(4):
        await opened.fail_to_log_in(ada, 2)
        await opened.fail_to_log_in(None)
        assert await opened.seal()
    return opened


def found(report: Report) -> list[tuple[str, int]]:
    return [(finding.kind, finding.sequence) for finding in report.findings]


async def test_g05_nothing_personal_is_in_clear(log: AuditedWorld) -> None:
    rows = await log.database.fetch("SELECT t::text AS row FROM audit_entries AS t")
    text = "\n".join(row["row"] for row in rows)
    assert "198.51.100.66" not in text
    assert "digest 0" not in text
    assert "curl" not in text


async def _rehash(connection: "Connection[Record]", first: int) -> None:
    """What somebody does who knows how the chain is made: no key is needed for it."""
    rows = await connection.fetch("SELECT * FROM audit_entries WHERE sequence >= $1 - 1 ORDER BY sequence", first)
    previous: bytes = rows[0]["hash"]
    for row in rows[1:]:
        previous = link_hash(previous, row["sequence"], row["entry"].encode(), row["personal"])
        await connection.execute("UPDATE audit_entries SET hash = $2 WHERE sequence = $1", row["sequence"], previous)


async def _alter_entry(connection: "Connection[Record]") -> None:
    await connection.execute(
        "UPDATE audit_entries SET entry = replace(entry, 'log_in.failed', 'session.started') WHERE sequence = 5"
    )


async def _alter_and_rehash(connection: "Connection[Record]") -> None:
    await _alter_entry(connection)
    await _rehash(connection, 5)


async def _append(connection: "Connection[Record]") -> None:
    last = await connection.fetchrow("SELECT * FROM audit_entries ORDER BY sequence DESC LIMIT 1")
    assert last is not None
    entry = json.dumps({**json.loads(last["entry"]), "event": "01900000-0000-7000-8000-000000000000"})
    linked = link_hash(last["hash"], 14, entry.encode(), last["personal"])
    await connection.execute(
        "INSERT INTO audit_entries (sequence, entry, personal, hash) VALUES (14, $1, $2, $3)",
        entry,
        last["personal"],
        linked,
    )


async def _insert(connection: "Connection[Record]") -> None:
    await connection.execute("UPDATE audit_entries SET sequence = -sequence WHERE sequence > 6")
    await connection.execute("UPDATE audit_entries SET sequence = 1 - sequence WHERE sequence < 0")
    await connection.execute(
        "INSERT INTO audit_entries (sequence, entry, personal, hash)"
        " SELECT 7, replace(entry, event_id::text, gen_random_uuid()::text), personal, hash FROM audit_entries"
        " WHERE sequence = 6"
    )
    await _rehash(connection, 7)


async def _swap(connection: "Connection[Record]") -> None:
    await connection.execute("UPDATE audit_entries SET sequence = -sequence WHERE sequence IN (5, 6)")
    await connection.execute("UPDATE audit_entries SET sequence = 11 + sequence WHERE sequence < 0")


def _statement(statement: str) -> Tampering:
    return lambda connection: connection.execute(statement)


TAMPERED: dict[str, tuple[Tampering, tuple[str, int]]] = {
    "an entry altered": (_alter_entry, ("altered", 5)),
    "an entry altered, and all hashes behind it made to fit": (_alter_and_rehash, ("head_contradicted", 5)),
    "its time altered": (
        _statement('UPDATE audit_entries SET entry = replace(entry, \'"at":"2\', \'"at":"1\') WHERE sequence = 5'),
        ("altered", 5),
    ),
    "sealed personal data altered": (
        _statement("UPDATE audit_entries SET personal = set_byte(personal, 20, 7) WHERE sequence = 5"),
        ("altered", 5),
    ),
    "sealed personal data taken out": (
        _statement("UPDATE audit_entries SET personal = '' WHERE sequence = 5"),
        ("altered", 5),
    ),
    "a hash altered": (
        _statement("UPDATE audit_entries SET hash = set_byte(hash, 3, 7) WHERE sequence = 5"),
        ("altered", 5),
    ),
    "one in the middle deleted": (_statement("DELETE FROM audit_entries WHERE sequence = 5"), ("missing", 5)),
    "the first deleted": (_statement("DELETE FROM audit_entries WHERE sequence = 1"), ("missing", 1)),
    "all deleted": (_statement("DELETE FROM audit_entries"), ("missing", 1)),
    "the last ones deleted": (_statement("DELETE FROM audit_entries WHERE sequence > 11"), ("missing", 12)),
    "two that changed places": (_swap, ("altered", 5)),
    "one inserted, all others behind it": (_insert, ("head_contradicted", 5)),
    "one appended by hand": (_append, ("unsigned", 14)),
    "a head made to say something else": (
        _statement("UPDATE audit_heads SET body = replace(body, '\"sequence\":7', '\"sequence\":8') WHERE number = 2"),
        ("head_forged", 8),
    ),
    "a head's signature altered": (
        _statement("UPDATE audit_heads SET signature = set_byte(signature, 3, 7) WHERE number = 2"),
        ("head_forged", 7),
    ),
    "a head deleted": (_statement("DELETE FROM audit_heads WHERE number = 2"), ("head_missing", 10)),
}


@pytest.mark.parametrize(("tamper", "expected"), TAMPERED.values(), ids=TAMPERED)
async def test_g04_tampering_is_found(log: AuditedWorld, tamper: Tampering, expected: tuple[str, int]) -> None:
    async with connected(log.url) as connection:
        await tamper(connection)
    report = await log.verified()
    assert expected in found(report), report.findings


async def test_g04_an_end_that_was_cut_off_is_found_by_a_head_that_was_held(log: AuditedWorld) -> None:
    held = [line for line in await log.export() if line["kind"] == "head"]
    await log.owner.fetch("DELETE FROM audit_entries WHERE sequence > 10")
    await log.owner.fetch("DELETE FROM audit_heads WHERE number > 3")
    assert (await log.verified()).is_intact, "nothing in the database shows it"
    assert found(await log.verified(held)) == [("cut_off", 11)]


async def test_g04_an_end_that_was_written_anew_is_found_by_a_head_that_was_held(log: AuditedWorld) -> None:
    """Somebody who has the service's secrets as well cannot make good what is elsewhere."""
    held = [line for line in await log.export() if line["kind"] == "head"]
    await log.owner.fetch("DELETE FROM audit_entries WHERE sequence > 10")
    await log.owner.fetch("DELETE FROM audit_heads WHERE number > 3")
    await log.fail_to_log_in(None, 3)
    assert await log.seal() == 3
    assert (await log.verified()).is_intact
    assert found(await log.verified(held)) == [("head_contradicted", 13)]


async def test_g04_a_key_of_somebody_else_is_no_key_of_ours(log: AuditedWorld) -> None:
    report = await log.verified(keys=[sha256(b"").digest()])
    assert {finding.kind for finding in report.findings} == {"head_forged", "unsigned"}


@pytest.mark.parametrize("sequence", [-1, 2**64, 10**400, float("inf")])
async def test_g04_a_sequence_that_is_none_is_a_finding(log: AuditedWorld, sequence: float) -> None:
    lines = await log.export()
    lines[2] = {**lines[2], "sequence": sequence}
    report = Verification(TrustedKeys(await log.trail.public_keys())).run(lines)
    assert ("malformed", 2) in found(report), report.findings


async def test_g04_what_is_opened_beside_an_entry_is_told_to_be_unproved(log: AuditedWorld) -> None:
    lines = [{**line, "opened": {"ip_address": "192.0.2.1"}} for line in await log.export() if line["kind"] == "entry"]
    report = Verification(TrustedKeys(await log.trail.public_keys())).run(lines)
    assert "13 entries have what was opened" in "\n".join(told(report))
    assert "opened" not in "\n".join(told(await log.verified()))
