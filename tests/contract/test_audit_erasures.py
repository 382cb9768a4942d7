"""Who is erased is so in the audit log as well, and again after a restore."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from application.accounts.ports import Registrations
from application.origin import Origin
from application.recovery.ports import OneTimeToken
from domain.accounts.pending_sign_up import PendingSignUp, sign_up_requested
from domain.accounts.user import User
from domain.recovery.one_time_token import TokenPurpose
from domain.sessions.events import log_in_failed
from tests.support.audit_log import AuditLog, Line
from tests.support.builders import ADA, MALLORY, credential_of, new_id, user_named

OPERATOR = Origin(operator="root")


def addresses(entries: Sequence[Line]) -> set[str | None]:
    return {entry["ip_address"] for entry in entries}


async def recorded_addresses(log: AuditLog) -> set[str | None]:
    return {event.origin.ip_address for event in await log.world.events()}


async def test_a03_g04_an_erased_user_leaves_a_chain_that_is_intact_and_nothing_that_can_be_read(
    log: AuditLog,
) -> None:
    ada, bob = await log.user("Ada"), await log.user("Bob")
    await log.fail_to_log_in(ada, 3)
    await log.fail_to_log_in(bob, 3)
    await log.seal()
    before = [line for line in await log.export() if line["kind"] == "entry"]
    assert MALLORY.ip_address in addresses(await log.entries_of(ada.id))

    await log.erase(ada)
    await log.seal()

    after = [line for line in await log.export() if line["kind"] == "entry"]
    assert after[: len(before)] == before, "not a byte of what was written is another"
    assert (await log.verified()).is_intact
    of_ada, of_bob = await log.entries_of(ada.id), await log.entries_of(bob.id)
    assert addresses(of_ada) == {None}
    assert {entry["personal"] for entry in of_ada} == {"erased", "none"}
    assert of_ada[-1]["type"] == "user.deleted"
    assert MALLORY.ip_address in addresses(of_bob)
    assert [list(head.erased) for head in await log.heads()] == [[], [ada.id]]


async def test_a03_what_was_not_sealed_when_its_user_was_erased_says_nothing(log: AuditLog) -> None:
    """Also what a request that was under way writes down after the deletion, before it is stripped."""
    ada = await log.user("Ada")
    await log.fail_to_log_in(ada, 2)
    await log.erase(ada)
    late = log.world.unit_of_work(MALLORY)
    late.record(log_in_failed(ada.id, "digest of ada"))
    await late.commit()
    assert await recorded_addresses(log) == {None, MALLORY.ip_address}

    await log.seal()

    of_ada = await log.entries_of(ada.id)
    assert "log_in.failed" in [entry["type"] for entry in of_ada]
    assert {entry["personal"] for entry in of_ada} == {"none"}
    assert str(ada.id) not in await log.tables.owners()
    assert (await log.verified()).is_intact


async def test_what_is_said_of_a_user_that_there_never_was_is_sealed_for_its_month(log: AuditLog) -> None:
    await log.fail_to_log_in(user_named("Nobody"))
    await log.seal()
    (entry,) = await log.found()
    assert entry["personal"] == "readable"
    assert await log.tables.owners() == {entry["at"][:7]}


@pytest.mark.parametrize("is_sealed", [True, False])
async def test_a03_a_sign_up_is_its_users(log: AuditLog, *, is_sealed: bool) -> None:
    """Although its event names nobody."""
    eve = user_named("Eve")
    token = OneTimeToken(purpose=TokenPurpose.SIGN_UP, digest=b"a digest of the tests")
    work = log.world.unit_of_work(MALLORY)
    work.sign_ups.add(
        PendingSignUp(
            id=eve.id, email=eve.email, username=eve.username, profile=eve.profile, password_hash="", photo_id=None
        )
    )
    work.record(sign_up_requested(eve.id))
    await work.commit()
    if is_sealed:
        await log.seal()
    work = log.world.unit_of_work(ADA)
    work.sign_ups.issue(token, eve.id, timedelta(hours=1))
    await work.commit()
    work.sign_ups.complete(token, eve, credential_of(eve))
    await work.commit()
    await log.erase(eve)
    await log.seal()
    assert await recorded_addresses(log) == {None}
    requested, _ = await log.found()
    assert (requested["type"], requested["ip_address"]) == ("sign_up.requested", None)
    assert requested["personal"] == ("erased" if is_sealed else "none")


async def replayed(log: AuditLog, erased: Sequence[UUID], users: Registrations | None = None) -> int:
    """How many had come back, which is also in the record."""
    came_back = await log.replay(users)(erased, OPERATOR)
    event = (await log.world.events())[-1]
    assert event.type == "audit.erasures_replayed"
    assert event.data == {"users": str(came_back), "actor": "operator:root"}
    return came_back


async def test_a03_whom_a_restore_brought_back_is_erased_again(log: AuditLog) -> None:
    """Whole, as an account, or in part, with nothing left but its traces."""
    ada, bob, cyd = [await log.user(name) for name in ("Ada", "Bob", "Cyd")]
    for user in (ada, bob, cyd):
        await log.fail_to_log_in(user)
    await log.seal()
    await log.erase(cyd)
    late = log.world.unit_of_work(MALLORY)
    late.record(log_in_failed(cyd.id, "digest of cyd"))
    await late.commit()

    assert await replayed(log, [ada.id, cyd.id, ada.id]) == 2

    await log.seal()
    for user in (ada, cyd):
        assert await log.world.registrations.by_id(user.id) is None
        assert addresses(await log.entries_of(user.id)) == {None}
    deleted = [each for each in await log.world.events() if each.type == "user.deleted"]
    assert [each.data for each in deleted] == [{}, {"actor": "operator:root"}]
    assert await log.world.registrations.by_id(bob.id)
    assert MALLORY.ip_address in addresses(await log.entries_of(bob.id))
    assert (await log.verified()).is_intact
    assert await replayed(log, [ada.id, cyd.id]) == 0


async def test_a03_of_whom_a_backup_does_not_know_the_erasure_is_noted(log: AuditLog) -> None:
    user_id = new_id()
    assert await replayed(log, [user_id]) == 1
    await log.seal()
    assert [list(head.erased) for head in await log.heads()] == [[user_id]]
    assert await replayed(log, [user_id]) == 0
    await log.seal()
    assert [list(head.erased) for head in await log.heads()] == [[user_id], []], "it is told once"


@dataclass(frozen=True)
class Overtaken:
    """Users of whom somebody else erases each once we have looked."""

    log: AuditLog

    async def by_id(self, user_id: UUID) -> User | None:
        user = await self.log.world.registrations.by_id(user_id)
        if user:
            await self.log.erase(user)
            await self.log.fail_to_log_in(user)
        return user


async def test_a03_whom_somebody_else_erases_meanwhile_leaves_nothing_either(log: AuditLog) -> None:
    ada = await log.user("Ada")
    await log.fail_to_log_in(ada)
    assert await replayed(log, [ada.id], Overtaken(log)) == 1  # type: ignore[arg-type]  # asked for nothing else
    assert await recorded_addresses(log) == {None}
    assert await replayed(log, [ada.id]) == 0
