"""The audit log as it is sealed: in order, once, behind nothing that is not ours, for as long as it is kept."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

import pytest

from application.audit.drop_expired_entries import DropExpiredEntries
from application.audit.ports import AuditLedger, Build, Extension
from application.audit.publish_heads import PublishHeads
from application.audit.read_chain import EVERYTHING
from application.audit.seal_events import BATCH, FEW, HEARTBEAT, SealEvents
from application.origin import Origin
from domain.accounts.pending_sign_up import PendingSignUp, sign_up_requested
from domain.audit.chain import GENESIS, Link
from domain.audit.errors import AuditLogAltered
from domain.audit.head import SignedHead
from domain.errors import ServiceUnavailable
from domain.events import DomainEvent
from tests.support.audit_log import KEPT, LONG_AGO, UNREADABLE, AuditLog, changed
from tests.support.builders import MALLORY, new_id, user_named

OPERATOR = Origin(operator="root", request_id="request-of-root")
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class SlowLedger:
    """One that has no time for more than so many at once."""

    ledger: AuditLedger
    most: int

    async def extend(self, build: Build, *, at_most: int) -> Extension | None:
        return await self.ledger.extend(build, at_most=self._bearable(at_most))

    async def drop(self, build: Build, *, before: datetime, at_most: int) -> int:
        return await self.ledger.drop(build, before=before, at_most=self._bearable(at_most))

    async def rotate(self, build: Build, origin: Origin) -> str | None:
        return await self.ledger.rotate(build, origin)

    async def unwritten_heads(self, *, at_most: int) -> Sequence[SignedHead]:
        return await self.ledger.unwritten_heads(at_most=min(at_most, self.most))

    async def heads_written(self, heads: Sequence[SignedHead]) -> None:
        await self.ledger.heads_written(heads)

    def _bearable(self, at_most: int) -> int:
        if at_most > self.most:
            raise ServiceUnavailable
        return at_most


async def happen(log: AuditLog, times: int) -> None:
    """All at once."""
    work = log.world.unit_of_work(MALLORY)
    for _ in range(times):
        work.record(DomainEvent(type="log_in.failed"))
    await work.commit()


async def sealed_in_batches(log: AuditLog, *sizes: int) -> None:
    for size in sizes:
        await happen(log, size)
        assert await log.seal() == size


async def refusal_of(log: AuditLog) -> str:
    """What is said of an altered log, by whatever would extend it; nothing is written then."""
    before = await log.export()
    said = set()
    for extend in (log.seal, partial(log.rotate, OPERATOR), log.drop):
        with pytest.raises(AuditLogAltered) as refusal:
            await extend()
        said.add(refusal.value.detail)
    assert await log.export() == before
    (detail,) = said
    return detail


async def test_g01_what_happened_is_sealed_in_its_order_and_once(log: AuditLog) -> None:
    ada = await log.user("Ada")
    await log.fail_to_log_in(ada, 2)
    assert await log.seal() == 3
    assert await log.seal() == 0
    await log.fail_to_log_in(None)
    assert await log.seal() == 1
    report = await log.verified()
    assert report.is_intact, report.findings
    assert (report.entries, report.first, report.last, report.heads) == (4, 1, 4, 2)
    entries = await log.found()
    assert [entry["type"] for entry in entries] == [event.type for event in await log.world.events()]
    assert len({entry["id"] for entry in entries}) == 4


async def test_a_head_says_how_far_the_chain_reached(log: AuditLog) -> None:
    await sealed_in_batches(log, 2, 1)
    entries = [line for line in await log.export() if line["kind"] == "entry"]
    (_, first), (_, _) = await log.trail.heads(after=0, at_most=10)
    one, two = await log.heads()
    assert (one.number, two.number) == (1, 2)
    assert (one.sequence, two.sequence) == (2, 3)
    assert (one.hash.hex(), two.hash.hex()) == (entries[1]["hash"], entries[2]["hash"])
    assert (one.previous, two.previous) == ("", first.digest)
    assert one.at <= two.at
    assert {(head.begins_after, head.begins_hash) for head in (one, two)} == {(0, GENESIS)}
    assert {(head.erasures, tuple(head.erased), head.successor) for head in (one, two)} == {(0, (), "")}


async def test_a_log_without_an_entry_has_a_head_too(log: AuditLog) -> None:
    assert await log.seal() == 0
    (head,) = await log.heads()
    assert (head.number, head.sequence, head.hash) == (1, 0, GENESIS)
    assert (await log.verified()).is_intact


async def test_a_quiet_log_says_so_once_a_minute(log: AuditLog) -> None:
    await sealed_in_batches(log, 1)
    seal, (first,) = log.seal, await log.heads()

    async def sealed_at(now: datetime) -> Extension | None:
        return await log.ledger.extend(lambda batch: seal._extension(replace(batch, now=now)), at_most=BATCH)

    assert await sealed_at(first.at + HEARTBEAT - MICROSECOND) is None
    assert await sealed_at(first.at + HEARTBEAT)
    second = (await log.heads())[-1]
    assert (second.number, second.sequence, second.hash) == (2, 1, first.hash)
    assert second.at - first.at == HEARTBEAT
    assert (await log.verified()).is_intact


async def test_an_erasure_is_told_at_once(log: AuditLog) -> None:
    await sealed_in_batches(log, 1)
    first, second = new_id(), new_id()
    for user_id in (first, second):
        assert await log.erasures.repeat(user_id)
        assert await log.seal() == 0
    heads = await log.heads()
    assert [list(head.erased) for head in heads] == [[], [first], [second]]
    assert [head.erasures for head in heads] == [0, 1, 2]


async def test_what_is_sealed_in_batches_is_one_chain(log: AuditLog) -> None:
    await happen(log, FEW + 5)
    seal = SealEvents(SlowLedger(log.ledger, most=FEW), log.cipher)
    assert await seal() == FEW, "a whole batch takes too long"
    assert await seal() == 5
    await happen(log, FEW + 5)
    assert await SealEvents(SlowLedger(log.ledger, most=BATCH), log.cipher)() == FEW + 5
    report = await log.verified()
    assert report.is_intact, report.findings
    assert (report.entries, report.heads) == (2 * FEW + 10, 3)


async def test_what_cannot_be_written_is_tried_again_the_next_time(log: AuditLog) -> None:
    await happen(log, 2)
    with pytest.raises(ServiceUnavailable):
        await SealEvents(SlowLedger(log.ledger, most=0), log.cipher)()
    assert not await log.export()
    assert await log.seal() == 2


async def test_g04_x13_of_many_workers_one_seals_at_a_time(log: AuditLog) -> None:
    await log.fail_to_log_in(None, 40)
    sealed = sum(await asyncio.gather(*(log.seal() for _ in range(8))))
    sealed += await log.seal()
    assert sealed == 40
    report = await log.verified()
    assert report.is_intact, report.findings
    assert report.entries == 40


async def test_while_another_worker_is_at_it_nothing_is_written(log: AuditLog) -> None:
    await log.seal_long_ago(2)
    await happen(log, 1)
    before = await log.export()
    async with log.tables.held():
        assert await log.seal() == 0
        assert await log.drop() == 0
        with pytest.raises(ServiceUnavailable) as refusal:
            await log.rotate(OPERATOR)
        assert (refusal.value.detail, refusal.value.retry_after) == ("The audit log is being written just now.", 1)
        assert await log.export() == before
    assert await log.seal() == 1


async def test_what_is_personal_is_sealed_for_its_entry_alone(log: AuditLog) -> None:
    ada = await log.user("Ada")
    await log.fail_to_log_in(ada, 2)
    await log.seal()
    first, second = await log.trail.latest(EVERYTHING, at_most=2)
    await log.tables.change_personal(second.link.sequence, first.link.personal)
    assert [entry["personal"] for entry in (await log.found())[-2:]] == ["readable", "altered"]


async def test_a_key_that_cannot_be_opened_stops_nobody_else(log: AuditLog) -> None:
    await log.fail_to_log_in(None)
    await log.seal()
    await log.tables.damage_keys()
    await log.fail_to_log_in(None, 2)
    assert await log.seal() == 2
    assert (await log.verified()).entries == 3
    assert [(each["ip_address"], each["personal"]) for each in await log.found()] == [
        (None, "altered"),
        (None, "none"),
        (None, "none"),
    ]
    assert len(await log.export(personal=True)) == 5


async def test_g04_a_forged_entry_is_never_made_good_by_a_head(log: AuditLog) -> None:
    await sealed_in_batches(log, 2, 1)
    (last,) = await log.trail.latest(EVERYTHING, at_most=1)
    entry = json.dumps({**json.loads(last.link.entry), "event": str(new_id())})
    await log.tables.append(Link.after(last.link.hash, 4, entry, b""))
    await happen(log, 1)
    assert await refusal_of(log) == "head 2 is at 3, and the last entry is 4"
    assert [(each.kind, each.sequence) for each in (await log.verified()).findings] == [("unsigned", 4)]
    await log.tables.cut(entries_after=3)
    assert await log.seal() == 1, "what happened meanwhile is not lost"
    assert (await log.verified()).is_intact


async def test_g04_an_entry_that_is_gone_is_not_passed_over(log: AuditLog) -> None:
    await sealed_in_batches(log, 2, 1)
    await log.tables.cut(entries_after=2)
    assert await refusal_of(log) == "head 2 is at 3, and the last entry is 2"


async def test_g04_entries_that_no_head_signs_get_none(log: AuditLog) -> None:
    await sealed_in_batches(log, 2)
    await log.tables.cut(heads_after=0)
    assert await refusal_of(log) == "there are entries up to 2 and no head"


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_g04_nothing_goes_behind_a_head_that_is_none(log: AuditLog, body: str) -> None:
    await sealed_in_batches(log, 2)
    ((_, head),) = await log.trail.heads(after=0, at_most=1)
    await log.tables.change_head(1, replace(head, body=changed(head.body, body)))
    assert await refusal_of(log) == "the last head is not one of ours"


@pytest.mark.parametrize("said", ['{"erasures": 7}', '{"key": "of somebody else"}', '{"key": []}'])
async def test_g04_nothing_goes_behind_a_head_that_we_did_not_sign(log: AuditLog, said: str) -> None:
    await sealed_in_batches(log, 2)
    ((_, head),) = await log.trail.heads(after=0, at_most=1)
    await log.tables.change_head(1, replace(head, body=changed(head.body, said)))
    assert await refusal_of(log) == "head 1 was not signed by us"


async def test_what_is_expired_is_dropped_and_the_rest_is_verified_from_there(log: AuditLog) -> None:
    await log.seal_long_ago(3)
    await log.seal_long_ago(2)
    expired = (await log.heads())[-1]
    await log.fail_to_log_in(None, 4)
    await log.seal()
    assert len(await log.tables.owners()) == 2, "one for each month"

    assert await log.drop() == 5

    report = await log.verified()
    assert report.is_intact, report.findings
    assert (report.entries, report.first, report.last) == (4, 6, 9)
    assert len(await log.tables.owners()) == 1
    assert await log.drop() == 0
    await log.fail_to_log_in(None)
    await log.seal()
    assert (await log.verified()).is_intact
    *_, dropping, next_one = await log.heads()
    assert (dropping.sequence, dropping.begins_after, dropping.begins_hash) == (9, 5, expired.hash)
    assert (next_one.sequence, next_one.begins_after, next_one.begins_hash) == (10, 5, expired.hash)


async def test_all_may_be_expired(log: AuditLog) -> None:
    await log.seal_long_ago(3)
    assert await log.drop() == 3
    assert (await log.verified()).is_intact
    await log.fail_to_log_in(None)
    assert await log.seal() == 1
    assert (await log.verified()).first == 4


async def test_what_is_not_expired_stays(log: AuditLog) -> None:
    await log.fail_to_log_in(None)
    await log.tables.age_waiting(KEPT - timedelta(hours=1))
    assert await log.seal_later(timedelta(hours=1) - KEPT)
    before = await log.export()
    assert await log.drop() == 0
    assert await log.export() == before


async def test_of_a_log_that_is_far_behind_few_are_dropped_at_once(log: AuditLog) -> None:
    """As many as a whole batch has, or nothing would ever be dropped: between two heads there is no front."""
    for size in (BATCH, 3):
        await happen(log, size)
        await log.tables.age_waiting(LONG_AGO)
        assert await log.seal_later(-LONG_AGO)
    await happen(log, 1)
    await log.tables.age_waiting(KEPT / 2)
    assert await log.seal_later(-KEPT / 2)
    with pytest.raises(ServiceUnavailable):
        await DropExpiredEntries(SlowLedger(log.ledger, most=0), log.clock, KEPT)()
    drop = DropExpiredEntries(SlowLedger(log.ledger, most=BATCH), log.clock, KEPT)
    assert [await drop() for _ in range(3)] == [BATCH, 3, 0]
    assert (await log.verified()).is_intact


async def test_a_sign_up_that_came_to_nothing_can_be_read_for_as_long_as_it_is_kept(log: AuditLog) -> None:
    eve = user_named("Eve")
    sign_up = PendingSignUp(
        id=eve.id, email=eve.email, username=eve.username, profile=eve.profile, password_hash="", photo_id=None
    )
    work = log.world.unit_of_work(MALLORY)
    work.sign_ups.add(sign_up)
    work.record(sign_up_requested(eve.id))
    await work.commit()
    await log.seal_long_ago(1)
    assert str(eve.id) in await log.tables.owners()
    assert [each["personal"] for each in await log.found()] == ["readable", "readable"]
    assert await log.drop() == 2
    assert not await log.tables.owners()


async def test_k08_whoever_trusts_the_first_key_can_go_on_after_a_rotation(log: AuditLog) -> None:
    await log.fail_to_log_in(None)
    await log.seal()
    (first,) = await log.trail.public_keys()
    for _ in range(2):
        await log.rotate(OPERATOR)
        await log.seal()
    keys = await log.trail.public_keys()
    assert len(keys) == 3
    assert keys[-1] == first
    report = await log.verified(keys=[first])
    assert report.is_intact, report.findings
    assert not (await log.verified(keys=[keys[0]])).is_intact, "the newest says nothing of what was before it"


async def test_k08_a_rotation_is_signed_by_the_old_key_and_is_in_the_log(log: AuditLog) -> None:
    await sealed_in_batches(log, 2)
    await happen(log, 1)
    new_key = await log.rotate(OPERATOR)
    assert await log.seal() == 2, "a rotation seals nothing"
    before, rotation, after = await log.heads()
    newest, _ = await log.trail.public_keys()
    assert (rotation.sequence, rotation.hash) == (before.sequence, before.hash)
    assert (rotation.key, rotation.successor) == (before.key, newest.hex())
    assert (after.key, after.successor) == (new_key, "")
    assert new_key == sha256(newest).hexdigest()[:16]
    event = (await log.world.events())[-1]
    assert event.type == "audit_key.rotated"
    assert event.data == {"key": new_key, "successor_of": before.key, "actor": "operator:root"}
    assert event.origin.request_id == OPERATOR.request_id


@dataclass
class Publisher:
    """Somewhere to write heads; it may be away."""

    written: list[SignedHead] = field(default_factory=list)
    is_away: bool = False

    async def publish(self, heads: Sequence[SignedHead]) -> None:
        if self.is_away:
            raise OSError
        self.written += heads


async def test_heads_are_written_off_the_host_in_order_and_once(log: AuditLog) -> None:
    await sealed_in_batches(log, 1, 2, 1)
    publishers = [Publisher(), Publisher()]
    publish = PublishHeads(SlowLedger(log.ledger, most=2), publishers)
    assert [await publish() for _ in range(3)] == [2, 1, 0]
    await sealed_in_batches(log, 1)
    assert await publish() == 1
    heads = [signed for _, signed in await log.trail.heads(after=0, at_most=10)]
    assert [publisher.written for publisher in publishers] == [heads, heads]


async def test_heads_that_could_not_be_written_everywhere_are_tried_again(log: AuditLog) -> None:
    await sealed_in_batches(log, 1, 1)
    here, elsewhere = Publisher(), Publisher(is_away=True)
    publish = PublishHeads(log.ledger, [here, elsewhere])
    with pytest.raises(OSError):
        await publish()
    elsewhere.is_away = False
    assert await publish() == 2
    heads = [signed for _, signed in await log.trail.heads(after=0, at_most=10)]
    assert elsewhere.written == heads
    assert here.written == heads * 2
    assert await publish() == 0


async def test_where_heads_stay_in_the_database_none_counts_as_written(log: AuditLog) -> None:
    await sealed_in_batches(log, 1)
    assert await PublishHeads(log.ledger, [])() == 0
    assert len(await log.ledger.unwritten_heads(at_most=10)) == 1
