"""Whose photo is whose, and the ledger of those that are nobody's: none is ever on both, and none on neither."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from application.origin import NOWHERE
from application.sessions.ports import Caller
from domain.errors import ServiceUnavailable
from domain.events import DomainEvent
from domain.photos.photo import CLAIM_WINDOW, UNOWNED_GRACE
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import EndReason
from infrastructure.ids import new_photo_id
from tests.support.builders import Account, Device, add, credential_of, new_id, registered, signed_in, user_named
from tests.support.world import World

AGES = timedelta(days=3)


@pytest.fixture
async def device(world: World) -> Device:
    return await signed_in(world, await registered(world))


async def unowned(world: World, *, for_longer_than: timedelta = timedelta(0), at_most: int = 100) -> Sequence[str]:
    return await world.photos.unowned(for_longer_than=for_longer_than, at_most=at_most)


async def photo_of(device: Device) -> str | None:
    live = await device.world.sessions.live(device.caller)
    assert live is not None
    return live.user.photo_id


async def set_photo(world: World, caller: Caller) -> str:
    """As an upload does, without files."""
    photo_id = new_photo_id()
    await world.photos.announce(photo_id)
    await claim(world, caller, photo_id)
    return photo_id


async def claim(world: World, caller: Caller, photo_id: str) -> None:
    work = world.unit_of_work(NOWHERE)
    work.photos.claim(photo_id)
    work.photos.replace(caller, photo_id)
    await work.commit()


async def remove(world: World, caller: Caller) -> None:
    work = world.unit_of_work(NOWHERE)
    work.photos.replace(caller, None)
    await work.commit()


async def test_an_announced_photo_is_nobodys(world: World) -> None:
    photo_id = new_photo_id()
    await world.photos.announce(photo_id)
    await world.advance(timedelta(seconds=1))

    assert await unowned(world) == [photo_id]
    assert not await world.photos.is_owned(photo_id)


async def test_a_claimed_photo_is_its_owners(world: World, device: Device) -> None:
    photo_id = await set_photo(world, device.caller)
    await world.advance(timedelta(seconds=1))

    assert await world.photos.is_owned(photo_id)
    assert await photo_of(device) == photo_id
    assert await unowned(world) == []


async def test_setting_a_photo_is_a_change_of_the_account(world: World, device: Device) -> None:
    before = await world.sessions.live(device.caller)
    await world.advance(timedelta(seconds=1))
    await set_photo(world, device.caller)
    after = await world.sessions.live(device.caller)

    assert before is not None
    assert after is not None
    assert after.user.updated_at > after.user.created_at
    assert replace(after.user, photo_id=None, updated_at=after.user.created_at) == replace(
        before.user, created_at=after.user.created_at, updated_at=after.user.created_at
    )


async def test_f09_a_replaced_photo_goes_back_onto_the_ledger(world: World, device: Device) -> None:
    first, second = await set_photo(world, device.caller), await set_photo(world, device.caller)
    await world.advance(timedelta(seconds=1))

    assert await unowned(world) == [first]
    assert [await world.photos.is_owned(photo_id) for photo_id in (first, second)] == [False, True]


async def test_a_removed_photo_goes_back_onto_the_ledger(world: World, device: Device) -> None:
    photo_id = await set_photo(world, device.caller)
    await remove(world, device.caller)
    await world.advance(timedelta(seconds=1))

    assert await unowned(world) == [photo_id]
    assert await photo_of(device) is None


async def test_removing_none_puts_nothing_onto_the_ledger(world: World, device: Device) -> None:
    await remove(world, device.caller)
    await world.advance(timedelta(seconds=1))

    assert await unowned(world) == []


async def test_a_photo_is_its_owners_alone(world: World, device: Device) -> None:
    other = await signed_in(world, await registered(world))
    mine, theirs = await set_photo(world, device.caller), await set_photo(world, other.caller)
    await remove(world, device.caller)

    assert await photo_of(other) == theirs
    assert [await world.photos.is_owned(photo_id) for photo_id in (mine, theirs)] == [False, True]


async def test_the_longest_unowned_come_first_and_only_so_many(world: World) -> None:
    photo_ids = [new_photo_id() for _ in range(4)]
    for photo_id in photo_ids:
        await world.photos.announce(photo_id)
        await world.advance(timedelta(minutes=1))

    assert await unowned(world, at_most=2) == photo_ids[:2]
    assert await unowned(world, for_longer_than=timedelta(minutes=2, seconds=30)) == photo_ids[:2]


async def test_a_forgotten_photo_is_on_the_ledger_no_more(world: World) -> None:
    photo_id = new_photo_id()
    await world.photos.announce(photo_id)
    await world.photos.forget(photo_id)
    await world.photos.forget(photo_id)
    await world.advance(timedelta(seconds=1))

    assert await unowned(world) == []


@pytest.mark.parametrize("what", ["never announced", "swept", "claimed already"])
async def test_a_photo_that_the_ledger_does_not_name_is_not_claimed(world: World, device: Device, what: str) -> None:
    photo_id = new_photo_id()
    if what != "never announced":
        await world.photos.announce(photo_id)
    if what == "swept":
        await world.photos.forget(photo_id)
    if what == "claimed already":
        other = await signed_in(world, await registered(world))
        await claim(world, other.caller, photo_id)

    with pytest.raises(ServiceUnavailable):
        await claim(world, device.caller, photo_id)
    assert await photo_of(device) is None


async def test_what_a_sweep_may_touch_is_not_claimed(world: World, device: Device) -> None:
    """Long before a sweep deletes files, nobody can claim them any more: so it deletes nobody's."""
    photo_id, late = new_photo_id(), new_photo_id()
    await world.photos.announce(late)
    await world.advance(CLAIM_WINDOW - timedelta(seconds=30))
    await world.photos.announce(photo_id)
    await world.advance(timedelta(seconds=31))

    with pytest.raises(ServiceUnavailable):
        await claim(world, device.caller, late)
    await claim(world, device.caller, photo_id)
    assert await unowned(world, for_longer_than=UNOWNED_GRACE) == []
    assert await unowned(world) == [late]


async def test_a_refused_claim_takes_the_other_writes_with_it(world: World, device: Device) -> None:
    first = await set_photo(world, device.caller)
    before = len(await world.events())
    work = world.unit_of_work(NOWHERE)
    work.photos.claim(new_photo_id())
    work.photos.replace(device.caller, None)
    work.record(DomainEvent(type="something.happened"))
    with pytest.raises(ServiceUnavailable):
        await work.commit()
    await world.advance(timedelta(seconds=1))

    assert await photo_of(device) == first
    assert await unowned(world) == []
    assert len(await world.events()) == before


@pytest.mark.parametrize("end", ["logged out", "expired", "disabled", "another's", "unknown"])
async def test_only_a_live_session_changes_a_photo(world: World, device: Device, end: str) -> None:
    photo_id = new_photo_id()
    caller = device.caller
    match end:
        case "logged out":
            work = world.unit_of_work(NOWHERE)
            work.sessions.end(caller, EndReason.LOGGED_OUT)
            await work.commit()
        case "expired":
            await world.advance(AGES)
        case "disabled":
            await world.disable(caller.user_id)
        case "another's":
            caller = Caller(user_id=(await registered(world)).user.id, session_id=caller.session_id)
        case _:
            caller = Caller(user_id=caller.user_id, session_id=new_id())
    await world.photos.announce(photo_id)

    with pytest.raises(InvalidAccessToken):
        await claim(world, caller, photo_id)
    with pytest.raises(InvalidAccessToken):
        await remove(world, caller)
    await world.advance(timedelta(seconds=1))
    assert await unowned(world) == [photo_id], "for the sweep"


async def test_an_account_can_begin_with_a_photo(world: World) -> None:
    photo_id = new_photo_id()
    await world.photos.announce(photo_id)
    user = replace(user_named("Ada"), photo_id=photo_id)
    work = world.unit_of_work(NOWHERE)
    work.accounts.add(user, credential_of(user))
    work.photos.claim(photo_id)
    await work.commit()

    assert await world.photos.is_owned(photo_id)


async def test_the_photo_of_an_account_that_goes_is_released(world: World) -> None:
    photo_id = new_photo_id()
    await world.photos.announce(photo_id)
    user = replace(user_named("Ada"), photo_id=photo_id)
    await add(world, Account(user, credential_of(user)))
    await world.photos.forget(photo_id)
    work = world.unit_of_work(NOWHERE)
    work.photos.release_of(user.id)
    work.photos.release_of(new_id())
    await work.commit()
    await world.advance(timedelta(seconds=1))

    assert await unowned(world) == [photo_id]


async def test_of_uploads_at_once_one_is_the_photo_and_all_others_are_on_the_ledger(
    world: World, device: Device
) -> None:
    photo_ids = await asyncio.gather(*(set_photo(world, device.caller) for _ in range(8)))
    await world.advance(timedelta(seconds=1))

    photo_id = await photo_of(device)
    assert photo_id in photo_ids
    assert sorted(await unowned(world)) == sorted(set(photo_ids) - {photo_id})


async def test_uploads_and_removals_at_once_lose_no_photo(world: World, device: Device) -> None:
    results = await asyncio.gather(
        *(set_photo(world, device.caller) for _ in range(4)), *(remove(world, device.caller) for _ in range(4))
    )
    await world.advance(timedelta(seconds=1))

    photo_ids, photo_id = {result for result in results if result}, await photo_of(device)
    assert set(await unowned(world)) == photo_ids - {photo_id}


async def test_a_claim_and_a_sweep_at_once_are_one_before_the_other(world: World, device: Device) -> None:
    for _ in range(8):
        photo_id = new_photo_id()
        await world.photos.announce(photo_id)
        claimed, _ = await asyncio.gather(
            claim(world, device.caller, photo_id), world.photos.forget(photo_id), return_exceptions=True
        )
        assert await world.photos.is_owned(photo_id) == (claimed is None)
