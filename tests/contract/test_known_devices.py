"""A device that signed in before has attempts of its own, so that nobody else keeps its owner out (L06)."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from application.origin import NOWHERE, Origin
from domain.errors import TooManyAttempts
from domain.limits import Quota
from tests.support.builders import (
    MALLORY,
    Account,
    attempt_by_email,
    device_of,
    fresh_name,
    new_id,
    prove,
    registered,
)
from tests.support.world import (
    DEVICE_LIFETIME,
    SIGN_IN_ACCOUNT,
    SIGN_IN_ALL,
    SIGN_IN_DEVICE,
    SIGN_IN_PAIR,
    SIGN_IN_SOURCE,
    World,
)

MINUTE = timedelta(minutes=1)


async def is_admitted(world: World, account: Account, origin: Origin) -> bool:
    with suppress(TooManyAttempts):
        await attempt_by_email(world, account, origin)
        return True
    return False


async def use_up(world: World, account: Account, origin: Origin = NOWHERE) -> int:
    """Guess until refused; how many were admitted."""
    admitted = 0
    while await is_admitted(world, account, origin):
        admitted += 1
    return admitted


async def test_l06_guesses_elsewhere_do_not_keep_a_known_device_out(world: World) -> None:
    ada = await registered(world)
    device = device_of(ada)
    await use_up(world, ada)
    await use_up(world, ada, MALLORY)

    for _ in range(30):
        await prove(world, await attempt_by_email(world, ada, device))


async def test_l06_guesses_behind_the_same_address_do_not_either(world: World) -> None:
    ada = await registered(world)
    device = device_of(ada, ip_address=MALLORY.ip_address)
    for _ in range(world.limits[SIGN_IN_SOURCE].burst):
        await world.attempts.open(None, fresh_name(), MALLORY)
    assert not await is_admitted(world, ada, MALLORY)

    assert await is_admitted(world, ada, device)


async def test_l06_a_known_device_has_ten_failures_of_its_own(world: World) -> None:
    """And then its waits grow; what it uses up is nobody else's."""
    ada = await registered(world)
    device, other = device_of(ada), device_of(ada)

    assert await use_up(world, ada, device) == world.limits[SIGN_IN_DEVICE].burst
    await world.advance(MINUTE)
    assert await use_up(world, ada, device) == 1
    await world.advance(MINUTE)
    assert await use_up(world, ada, device) == 0

    assert await is_admitted(world, ada, other)
    assert await use_up(world, ada) == world.limits[SIGN_IN_ACCOUNT].burst


async def test_l06_a_known_device_is_counted_on_nothing_else(world: World) -> None:
    ada = await registered(world)
    attempt = await attempt_by_email(world, ada, device_of(ada, ip_address="203.0.113.5"))

    assert [each.rule for each in attempt.allowances if each.cost] == [SIGN_IN_DEVICE]
    assert attempt.device_id


async def test_a_success_gives_a_known_device_its_attempts_back(world: World) -> None:
    ada = await registered(world)
    device = device_of(ada)
    burst = world.limits[SIGN_IN_DEVICE].burst
    for _ in range(3):
        for _ in range(burst - 1):
            await attempt_by_email(world, ada, device)
        await prove(world, await attempt_by_email(world, ada, device))
        # Its failures are not in a row with what follows, so each costs what the first one did.
        await world.advance(burst * MINUTE)
    assert await use_up(world, ada, device) == burst


async def unknown_to(world: World, ada: Account) -> dict[str, Origin]:
    """Devices that are none of hers."""
    now = (await attempt_by_email(world, await registered(world))).now
    return {
        "of somebody else": device_of(await registered(world)),
        "of an older password": device_of(ada, version=0),
        "of a password to come": device_of(ada, version=2),
        "too old": device_of(ada, made_at=now - DEVICE_LIFETIME),
        "not of our making": Origin(device_token="crm_dv_" + "A" * 84),
        "no token": Origin(device_token="\0 "),
    }


async def test_l06_a_device_that_is_not_known_is_as_good_as_none(world: World) -> None:
    ada = await registered(world)
    for name, origin in (await unknown_to(world, ada)).items():
        attempt = await attempt_by_email(world, ada, replace(origin, ip_address="203.0.113.5"))
        assert attempt.device_id is None, name
        assert [each.rule for each in attempt.allowances] == [
            SIGN_IN_SOURCE, SIGN_IN_PAIR, SIGN_IN_ACCOUNT, SIGN_IN_ALL
        ], name  # fmt: skip
    await use_up(world, ada)
    for name, origin in (await unknown_to(world, ada)).items():
        assert not await is_admitted(world, ada, origin), name


async def test_l06_a_device_is_known_up_to_its_last_day(world: World) -> None:
    ada = await registered(world)
    now = (await attempt_by_email(world, ada)).now
    last, over = (device_of(ada, made_at=now - DEVICE_LIFETIME + by) for by in (timedelta(hours=1), timedelta(0)))

    assert (await attempt_by_email(world, ada, last)).device_id
    assert (await attempt_by_email(world, ada, over)).device_id is None


async def test_l06_another_password_makes_every_device_unknown(world: World) -> None:
    ada = await registered(world)
    device = device_of(ada)
    assert (await attempt_by_email(world, ada, device)).device_id

    await world.change_password_version(ada.user.id)

    assert (await attempt_by_email(world, ada, device)).device_id is None


async def test_a_device_is_known_by_whatever_the_account_is_called(world: World) -> None:
    ada, device_id = await registered(world), new_id()
    device = device_of(ada, device_id=device_id)

    attempt = await world.attempts.open(ada.user.username, ada.user.username.original, device)

    assert attempt.device_id == device_id


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_l01_what_is_left_is_told_of_ones_own_attempts_only(world: World, known: bool) -> None:
    """And alike for an account that there is not."""
    ada = await registered(world)

    async def guess(origin: Origin) -> None:
        if known:
            await attempt_by_email(world, ada, origin)
        else:
            await world.attempts.open(None, "nobody at all", origin)

    told: list[Quota] = []
    for _ in range(4):
        await guess(Origin(ip_address="203.0.113.1"))
    for _ in range(2):
        await guess(replace(MALLORY, report=told.append))

    assert told == [Quota("sign-in", 10, 600, None, 0)] * 2
    for _ in range(4):
        await guess(MALLORY)
    with pytest.raises(TooManyAttempts) as refusal:
        await guess(replace(MALLORY, report=told.append))
    assert told[-1] == Quota("sign-in", 10, 600, 0, refusal.value.retry_after or 0)


async def test_d06_what_is_left_is_told_at_every_door(world: World) -> None:
    ada = await registered(world)
    told: list[Quota] = []
    await attempt_by_email(world, ada, replace(device_of(ada), report=told.append))
    await world.recovery_requests.open(ada.email, replace(MALLORY, report=told.append))
    await world.registrations.open(ada.email, ada.user.username, replace(MALLORY, report=told.append))

    assert _policies(told) == [("sign-in", 10, 9), ("recovery", 10, 9), ("sign-up", 20, 19)]


def _policies(told: Sequence[Quota]) -> list[tuple[str, int, int]]:
    return [(each.policy, each.limit, each.remaining) for each in told]
