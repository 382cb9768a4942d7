"""Disabling accounts and enabling them again."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from application.origin import Origin
from domain.accounts.errors import StatusUnchanged
from domain.accounts.events import user_status_changed
from domain.accounts.user import UserStatus
from domain.sessions.session import EndReason
from tests.support.builders import new_id, registered, signed_in
from tests.support.world import World

OPERATOR = Origin(operator="grace")


async def set_status(world: World, user_id: UUID, status: UserStatus) -> None:
    work = world.unit_of_work(OPERATOR)
    work.accounts.set_status(user_id, status)
    work.record(user_status_changed(user_id, status))
    work.sessions.end_all_of(user_id, EndReason.ACCOUNT_DISABLED)
    await work.commit()


async def test_an_account_is_disabled_and_enabled_again(world: World) -> None:
    ada, bob = await registered(world), await registered(world)

    for status in (UserStatus.DISABLED, UserStatus.ACTIVE):
        await world.advance(timedelta(seconds=1))
        await set_status(world, ada.user.id, status)

        found = await world.directory.find(ada.user.id)
        assert found is not None
        assert found.status is status
        assert found.updated_at > ada.user.updated_at
        other = await world.directory.find(bob.user.id)
        assert other is not None
        assert other.status is UserStatus.ACTIVE


@pytest.mark.parametrize("status", UserStatus)
async def test_a_status_that_the_account_has_already_is_refused_and_nothing_is_written(
    world: World, status: UserStatus
) -> None:
    ada = await registered(world)
    if status is UserStatus.DISABLED:
        await world.disable(ada.user.id)
    before, events = await world.directory.find(ada.user.id), await world.events()

    with pytest.raises(StatusUnchanged):
        await set_status(world, ada.user.id, status)

    assert await world.directory.find(ada.user.id) == before
    assert await world.events() == events


async def test_nobody_cannot_be_disabled(world: World) -> None:
    with pytest.raises(StatusUnchanged):
        await set_status(world, new_id(), UserStatus.DISABLED)

    assert await world.events() == []


async def test_of_many_that_disable_at_once_one_does(world: World) -> None:
    ada = await registered(world)

    results = await asyncio.gather(
        *(set_status(world, ada.user.id, UserStatus.DISABLED) for _ in range(8)), return_exceptions=True
    )

    assert results.count(None) == 1
    assert sum(isinstance(result, StatusUnchanged) for result in results) == 7
    assert [event.type for event in await world.events()].count("user.disabled") == 1


async def test_every_event_of_it_says_which_operator_did_it(world: World) -> None:
    ada = await registered(world)
    device = await signed_in(world, ada)
    before = len(await world.events())

    await set_status(world, ada.user.id, UserStatus.DISABLED)

    disabled, ended = sorted((await world.events())[before:], key=lambda event: event.type, reverse=True)
    assert (disabled.type, disabled.user_id, disabled.data) == (
        "user.disabled", ada.user.id, {"actor": "operator:grace"},
    )  # fmt: skip
    assert (ended.type, ended.session_id) == ("session.ended", device.session.id)
    assert ended.data == {"actor": "operator:grace", "reason": "account_disabled"}
