"""The audit log as it is read: whole and in its order, by what is asked for, and with who read it."""

import json
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.audit.export_audit import ExportAudit
from application.audit.note_reading import NoteReading
from application.audit.ports import END, AuditQuery, AuditTrail, KeptEntry
from application.audit.read_chain import EVERYTHING, ReadChain
from application.audit.search_audit import SearchAudit
from application.origin import Origin
from domain.audit.chain import Link
from domain.audit.head import SignedHead
from domain.events import DomainEvent
from tests.support.audit_log import ANYTHING, UNREADABLE, AuditLog, Line, changed
from tests.support.builders import ADA, MALLORY, new_id, registered, signed_in


@dataclass
class ShortPages:
    """A trail that gives at most two at once, and on which something may happen when its end is reached."""

    log: AuditLog
    size: int = 2
    happens_at_the_end: int = 0

    @property
    def trail(self) -> AuditTrail:
        return self.log.trail

    async def entries(self, query: AuditQuery, *, after: int, up_to: int = END, at_most: int) -> Sequence[KeptEntry]:
        return await self.trail.entries(query, after=after, up_to=up_to, at_most=min(at_most, self.size))

    async def latest(self, query: AuditQuery, *, up_to: int = END, at_most: int) -> Sequence[KeptEntry]:
        return await self.trail.latest(query, up_to=up_to, at_most=at_most)

    async def heads(self, *, after: int, at_most: int) -> Sequence[tuple[int, SignedHead]]:
        heads = await self.trail.heads(after=after, at_most=min(at_most, self.size))
        if not heads and self.happens_at_the_end:
            self.happens_at_the_end -= 1
            await sealed(self.log, 3)
        return heads

    async def public_keys(self) -> Sequence[bytes]:
        return await self.trail.public_keys()


async def happen(log: AuditLog, *events: DomainEvent, origin: Origin = MALLORY) -> None:
    work = log.world.unit_of_work(origin)
    for event in events:
        work.record(event)
    await work.commit()


async def sealed(log: AuditLog, *sizes: int) -> None:
    for size in sizes:
        await happen(log, *[DomainEvent(type="log_in.failed")] * size)
        await log.seal()


async def walked(trail: AuditTrail) -> list[str]:
    """Entries by their sequence, heads by their number."""
    said = []
    async for each in await ReadChain(trail)():
        match each:
            case KeptEntry():
                said.append(f"{each.link.sequence}")
            case SignedHead():
                said.append(f"head {json.loads(each.body)['number']}")
    return said


async def forge(log: AuditLog, sequence: int) -> None:
    (last,) = await log.trail.latest(EVERYTHING, at_most=1)
    entry = json.dumps({**json.loads(last.link.entry), "event": str(new_id())})
    await log.tables.append(Link.after(last.link.hash, sequence, entry, b""))


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_each_head_is_read_behind_what_it_signs(log: AuditLog, size: int) -> None:
    await sealed(log, 3, 1, 5)
    await log.erasures.repeat(new_id())
    await sealed(log, 0)
    expected = ["1", "2", "3", "head 1", "4", "head 2", "5", "6", "7", "8", "9", "head 3", "head 4"]
    assert await walked(ShortPages(log, size)) == expected


async def test_what_no_head_signs_comes_last(log: AuditLog) -> None:
    await sealed(log, 1, 2)
    for sequence in (4, 5, 6):
        await forge(log, sequence)
    assert await walked(ShortPages(log)) == ["1", "head 1", "2", "3", "head 2", "4", "5", "6"]


async def test_entries_that_are_gone_leave_the_heads_where_they_were(log: AuditLog) -> None:
    await sealed(log, 1, 2)
    await log.tables.cut(entries_after=1)
    assert await walked(ShortPages(log)) == ["1", "head 1", "head 2"]
    await forge(log, 7)
    assert await walked(ShortPages(log)) == ["1", "head 1", "head 2", "7"]


async def test_what_is_sealed_meanwhile_is_read_with_its_head(log: AuditLog) -> None:
    await sealed(log, 1)
    assert await walked(ShortPages(log, happens_at_the_end=1)) == ["1", "head 1", "2", "3", "4", "head 2"]


async def test_an_empty_log_has_nothing_to_be_read(log: AuditLog) -> None:
    assert await walked(log.trail) == []
    assert await log.found() == []
    assert await log.search.end() == 0


@pytest.mark.parametrize("said", UNREADABLE.values(), ids=UNREADABLE)
async def test_g04_a_head_that_cannot_be_read_hides_nothing(log: AuditLog, said: str) -> None:
    await sealed(log, 2, 1)
    (number, head), _ = await log.trail.heads(after=0, at_most=2)
    await log.tables.change_head(number, replace(head, body=changed(head.body, said)))
    lines = await log.export()
    assert [line.get("sequence") for line in lines] == [None, 1, 2, 3, None]
    assert "head_forged" in {finding.kind for finding in (await log.verified()).findings}


async def test_an_export_has_what_is_personal_in_clear_only_if_that_is_asked_for(log: AuditLog) -> None:
    ada, bob = await log.user("Ada"), await log.user("Bob")
    for user in (ada, bob):
        await log.fail_to_log_in(user)
    await happen(log, DomainEvent(type="audit.read"), origin=Origin())
    await log.seal()
    await log.erase(ada)
    sealed_only = await log.export()
    assert not [line for line in sealed_only if "opened" in line]
    assert "198.51.100.66" not in str(sealed_only)
    lines = [line for line in await log.export(personal=True) if line["kind"] == "entry"]
    assert [{name: line[name] for name in line if name != "opened"} for line in lines] == sealed_only[:-1]
    of_bob = {"ip": "198.51.100.66", "user_agent": "curl", "data": {"identifier_digest": "digest 0"}}
    assert [line["opened"] for line in lines[-3:]] == [None, of_bob, None]


async def test_an_export_is_what_was_sealed(log: AuditLog) -> None:
    await sealed(log, 2)
    kept = await log.trail.entries(ANYTHING, after=0, at_most=10)
    ((_, head),) = await log.trail.heads(after=0, at_most=10)
    *entries, last = [line async for line in await ExportAudit(ReadChain(log.trail), log.cipher)(personal=False)]
    assert [(line["kind"], line["sequence"], line["entry"]) for line in entries] == [
        ("entry", each.link.sequence, each.link.entry) for each in kept
    ]
    assert [(b64decode(line["personal"]), bytes.fromhex(line["hash"])) for line in entries] == [
        (each.link.personal, each.link.hash) for each in kept
    ]
    assert last == {"kind": "head", "body": head.body, "signature": head.signature.hex()} == json.loads(head.line)


@dataclass(frozen=True)
class Told:
    """Of Ada, who signs up, signs in and fails to; behind that there are two others who fail to, and something else."""

    user_id: UUID
    session_id: UUID


@pytest.fixture
async def told(log: AuditLog) -> Told:
    account = await registered(log.world, "Ada")
    device = await signed_in(log.world, account, origin=ADA)
    await happen(log, DomainEvent(type="log_in.failed", user_id=account.user.id), origin=ADA)
    await happen(log, *[DomainEvent(type="log_in.failed")] * 2)
    await happen(log, DomainEvent(type="session_x"))
    await log.seal()
    return Told(account.user.id, device.session.id)


def sequences(documents: Sequence[Line]) -> list[int]:
    return [document["sequence"] for document in documents]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ANYTHING, [1, 2, 3, 4, 5, 6]),
        (AuditQuery(request_id="request-of-ada"), [2, 3]),
        (AuditQuery(request_id="request-of"), []),
        (AuditQuery(types=["log_in.failed"]), [3, 4, 5]),
        (AuditQuery(types=["log_in."]), [3, 4, 5]),
        (AuditQuery(types=["log_in"]), []),
        (AuditQuery(types=["session."]), [2]),
        (AuditQuery(types=["session_x", "user."]), [1, 6]),
        (AuditQuery(types=["log_in."], request_id="request-of-ada"), [3]),
    ],
)
@pytest.mark.usefixtures("told")
async def test_entries_are_found_by_what_is_in_clear(log: AuditLog, query: AuditQuery, expected: list[int]) -> None:
    assert sequences(await log.found(query)) == expected
    assert sequences(await log.search.last(query, at_most=10)) == expected
    short = SearchAudit(trail=ShortPages(log), cipher=log.cipher)
    assert sequences([each async for each in await short(query)]) == expected


async def test_entries_are_found_by_whom_they_concern(log: AuditLog, told: Told) -> None:
    assert sequences(await log.found(AuditQuery(user_id=told.user_id))) == [1, 2, 3]
    assert sequences(await log.found(AuditQuery(session_id=told.session_id))) == [2]
    assert sequences(await log.found(AuditQuery(session_id=told.user_id))) == []
    assert sequences(await log.found(AuditQuery(user_id=told.user_id, types=["user.", "log_in."]))) == [1, 3]


async def test_entries_are_found_by_when_they_happened(log: AuditLog) -> None:
    for days in (3, 2, 1):
        await sealed_before(log, timedelta(days=days))
    first, second, third = [datetime.fromisoformat(entry["at"]) for entry in await log.found()]
    assert first < second < third
    assert sequences(await log.found(AuditQuery(since=second))) == [2, 3]
    assert sequences(await log.found(AuditQuery(until=second))) == [1]
    assert sequences(await log.found(AuditQuery(since=second, until=third))) == [2]


async def sealed_before(log: AuditLog, by: timedelta) -> None:
    await happen(log, DomainEvent(type="log_in.failed"))
    await log.tables.age_waiting(by)
    await log.seal()


@pytest.mark.usefixtures("told")
async def test_entries_are_found_between_two_others(log: AuditLog) -> None:
    async def between(trail: AuditTrail, **bounds: Any) -> list[int]:
        search = SearchAudit(trail=trail, cipher=log.cipher)
        return sequences([each async for each in await search(ANYTHING, **bounds)])

    for trail in (log.trail, ShortPages(log)):
        assert await between(trail, after=4) == [5, 6]
        assert await between(trail, up_to=3) == [1, 2, 3]
        assert await between(trail, after=1, up_to=5) == [2, 3, 4, 5]
        assert await between(trail, after=6) == []


@pytest.mark.usefixtures("told")
async def test_entries_are_found_by_an_address_although_it_is_sealed(log: AuditLog) -> None:
    async def found(address: str, query: AuditQuery = ANYTHING) -> list[int]:
        short = SearchAudit(trail=ShortPages(log), cipher=log.cipher)
        return sequences([each async for each in await short(query, ip_address=address)])

    assert await found("203.0.113.7") == [2, 3]
    assert await found("198.51.100.66") == [4, 5, 6]
    assert await found("198.51.100.66", AuditQuery(types=["log_in."])) == [4, 5]
    assert await found("198.51.100.6") == []


@pytest.mark.usefixtures("told")
async def test_the_last_ones_are_found_in_their_order(log: AuditLog) -> None:
    last = log.search.last
    assert sequences(await last(ANYTHING, at_most=2)) == [5, 6]
    assert sequences(await last(ANYTHING, at_most=2, up_to=4)) == [3, 4]
    assert sequences(await last(AuditQuery(types=["log_in."]), at_most=2)) == [4, 5]
    assert sequences(await last(ANYTHING, at_most=1, ip_address="203.0.113.7")) == [3]
    assert sequences(await last(ANYTHING, at_most=5, ip_address="203.0.113.7")) == [2, 3]
    assert sequences(await last(ANYTHING, at_most=5, up_to=2, ip_address="203.0.113.7")) == [2]
    assert await log.search.end() == 6


async def test_what_was_found_is_read_with_what_is_personal(log: AuditLog, told: Told) -> None:
    _, started, failed, *_ = await log.found()
    (event,) = [each for each in await log.world.events() if each.type == "session.started"]
    assert started == {
        "sequence": 2,
        "id": started["id"],
        "type": "session.started",
        "at": started["at"],
        "user_id": str(told.user_id),
        "session_id": str(told.session_id),
        "request_id": "request-of-ada",
        "ip_address": "203.0.113.7",
        "user_agent": "Ada's browser",
        "data": dict(event.data),
        "personal": "readable",
    }
    assert UUID(started["id"])
    assert failed["session_id"] is None


@pytest.mark.usefixtures("told")
async def test_whoever_does_not_ask_for_keys_gets_none(log: AuditLog) -> None:
    kept = await log.trail.entries(EVERYTHING, after=0, at_most=10)
    assert {(each.key, each.is_key_damaged) for each in kept} == {(None, False)}
    walked = [each async for each in await ReadChain(log.trail)() if isinstance(each, KeptEntry)]
    assert walked == kept
    with_keys = [each async for each in await ReadChain(log.trail)(with_keys=True) if isinstance(each, KeptEntry)]
    assert any(each.key for each in with_keys)


async def test_g01_who_reads_the_log_is_in_it(log: AuditLog) -> None:
    await NoteReading(log.world.unit_of_work)("audit export", Origin(operator="root", request_id="r-1"))
    await log.seal()
    (entry,) = await log.found()
    assert (entry["type"], entry["request_id"]) == ("audit.read", "r-1")
    assert entry["data"] == {"what": "audit export", "actor": "operator:root"}
