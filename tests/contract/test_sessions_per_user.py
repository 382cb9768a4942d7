"""A user has as many live sessions as are admitted, and no more: the one used least recently makes room (O09)."""

import asyncio
from datetime import timedelta

import pytest

from application.origin import NOWHERE
from domain.sessions.errors import InvalidCredentials
from domain.sessions.session import EndReason
from tests.support.builders import ADA, Account, Device, registered, signed_in
from tests.support.world import World


async def live_ids(world: World, account: Account) -> set[object]:
    page = await world.sessions.live_of(account.user.id, limit=100)
    return {session.id for session in page.sessions}


def ids(*devices: Device) -> set[object]:
    return {device.session.id for device in devices}


async def test_up_to_that_many_nobody_has_to_go(world: World) -> None:
    ada = await registered(world)
    devices = [await signed_in(world, ada, at_most=3) for _ in range(3)]

    assert await live_ids(world, ada) == ids(*devices)
    assert "session.ended" not in [event.type for event in await world.events()]


async def test_o09_the_one_used_least_recently_makes_room(world: World) -> None:
    """By its last use and not by its age."""
    ada = await registered(world)
    oldest, middle, newest = [await signed_in(world, ada, at_most=3) for _ in range(3)]
    await world.advance(timedelta(minutes=1))
    await oldest.rotate(oldest.first_token)

    latest = await signed_in(world, ada, at_most=3)

    assert await live_ids(world, ada) == ids(oldest, newest, latest)
    assert (await middle.row()).session.end_reason is EndReason.SUPERSEDED
    assert await middle.refresh(middle.first_token) is None


async def test_what_made_room_is_recorded_before_what_began(world: World) -> None:
    ada = await registered(world)
    first = await signed_in(world, ada, at_most=1)
    second = await signed_in(world, ada, at_most=1)

    ended, began = (await world.events())[-2:]
    assert (ended.type, ended.session_id, ended.user_id) == ("session.ended", first.session.id, ada.user.id)
    assert (ended.data, ended.origin) == ({"reason": "superseded"}, ADA)
    assert (began.type, began.session_id) == ("session.started", second.session.id)


async def test_a_lower_limit_ends_all_beyond_it_at_the_next_sign_in(world: World) -> None:
    ada = await registered(world)
    devices = [await signed_in(world, ada) for _ in range(5)]

    latest = await signed_in(world, ada, at_most=2)

    assert await live_ids(world, ada) == ids(devices[-1], latest)
    ended = [event.session_id for event in await world.events() if event.type == "session.ended"]
    assert set(ended) == ids(*devices[:-1])


async def test_what_is_over_counts_for_nothing_and_others_do_not_count(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    idle = await signed_in(world, ada, at_most=2)
    await world.advance(timedelta(hours=2))
    gone = await signed_in(world, ada, at_most=2)
    work = world.unit_of_work(NOWHERE)
    work.sessions.end(gone.caller, EndReason.LOGGED_OUT)
    await work.commit()
    theirs = [await signed_in(world, bob, at_most=2) for _ in range(2)]

    mine = [await signed_in(world, ada, at_most=2) for _ in range(2)]

    assert await live_ids(world, ada) == ids(*mine)
    assert await live_ids(world, bob) == ids(*theirs)
    assert (await idle.row()).session.end_reason is None
    assert (await gone.row()).session.end_reason is EndReason.LOGGED_OUT


async def test_a_refused_sign_in_ends_nothing(world: World) -> None:
    ada = await registered(world)
    device = await signed_in(world, ada, at_most=1)
    await world.change_password_version(ada.user.id)

    with pytest.raises(InvalidCredentials):
        await signed_in(world, ada, at_most=1)

    assert await live_ids(world, ada) == ids(device)


@pytest.mark.parametrize("at_most", [1, 3, 50])
async def test_o09_x13_the_limit_is_exact_however_many_sign_in_at_once(world: World, at_most: int) -> None:
    ada = await registered(world)
    for _ in range(2):
        devices = [
            device
            for _ in range(8)
            for device in await asyncio.gather(*(signed_in(world, ada, at_most=at_most) for _ in range(8)))
        ]

        live = await live_ids(world, ada)
        assert len(live) == at_most
        assert live <= ids(*devices)
    started = [event for event in await world.events() if event.type == "session.started"]
    ended = [event for event in await world.events() if event.type == "session.ended"]
    assert len(started) - len(ended) == at_most


async def test_refreshes_and_sign_ins_at_once_leave_no_more_than_the_limit(world: World) -> None:
    ada = await registered(world)
    devices = [await signed_in(world, ada, at_most=4) for _ in range(4)]

    await asyncio.gather(
        *(device.refresh(device.first_token) for device in devices for _ in range(2)),
        *(signed_in(world, ada, at_most=4) for _ in range(6)),
    )

    assert len(await live_ids(world, ada)) == 4
