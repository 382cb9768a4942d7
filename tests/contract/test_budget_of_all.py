"""The budget of all: beyond it every source and account has one failure at a time, and nobody is shut out."""

from datetime import timedelta

import pytest

from application.origin import NOWHERE, Origin
from domain.errors import TooManyAttempts
from tests.support.builders import (
    attempt_by_email,
    device_of,
    fresh_name,
    open_registration,
    prove,
    registered,
    user_named,
)
from tests.support.fakes import parse_email
from tests.support.world import RECOVERY_ALL, SIGN_IN_ALL, SIGN_IN_SOURCE, SIGN_UP_ALL, World

HERE = Origin(ip_address="203.0.113.1")
THERE = Origin(ip_address="203.0.113.2")


async def use_up(world: World) -> None:
    """From many places, at many accounts."""
    for number in range(world.limits[SIGN_IN_ALL].burst):
        await world.attempts.open(None, fresh_name(), Origin(ip_address=f"198.51.{number % 8}.{number // 8}"))


async def test_l03_beyond_the_budget_each_account_and_source_has_one_failure(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    await use_up(world)

    await attempt_by_email(world, ada, HERE)

    with pytest.raises(TooManyAttempts):
        await attempt_by_email(world, ada, THERE)
    with pytest.raises(TooManyAttempts):
        await attempt_by_email(world, bob, HERE)
    with pytest.raises(TooManyAttempts):
        await world.attempts.open(None, fresh_name(), Origin(ip_address="198.51.1.1"))


async def test_d06_the_budget_shuts_out_nobody_who_knows_the_password(world: World) -> None:
    """Neither at home nor elsewhere: a success gives back the one failure that there is."""
    ada = await registered(world)
    await use_up(world)

    for _ in range(5):
        await prove(world, await attempt_by_email(world, ada, HERE))
    for _ in range(5):
        await attempt_by_email(world, ada, device_of(ada))


async def test_what_the_budget_slows_is_not_told_as_guessing_at_an_account(world: World) -> None:
    ada = await registered(world)
    await use_up(world)
    await attempt_by_email(world, ada, HERE)
    with pytest.raises(TooManyAttempts):
        await attempt_by_email(world, ada, THERE)

    assert not [event for event in await world.events() if event.type == "log_in.limited"]


async def test_the_budget_comes_back(world: World) -> None:
    ada = await registered(world)
    await use_up(world)
    await attempt_by_email(world, ada)
    with pytest.raises(TooManyAttempts) as refusal:
        await attempt_by_email(world, ada)
    assert (refusal.value.retry_after or 0) <= 60

    await world.advance(timedelta(minutes=5))

    for _ in range(5):
        await attempt_by_email(world, ada)


async def test_known_devices_and_refused_attempts_do_not_use_it_up(world: World) -> None:
    ada, source = await registered(world), world.limits[SIGN_IN_SOURCE]
    for _ in range(source.burst):
        await world.attempts.open(None, fresh_name(), HERE)
    for _ in range(world.limits[SIGN_IN_ALL].burst):
        with pytest.raises(TooManyAttempts):
            await world.attempts.open(None, fresh_name(), HERE)
        await prove(world, await attempt_by_email(world, ada, device_of(ada)))

    for _ in range(2):
        await attempt_by_email(world, ada, THERE)


async def test_s14_beyond_the_budget_of_sign_ups_a_source_has_one_at_a_time(world: World) -> None:
    for number in range(world.limits[SIGN_UP_ALL].burst):
        await open_registration(world, user_named(fresh_name()), Origin(ip_address=f"198.51.100.{number}"))

    await open_registration(world, user_named(fresh_name()), HERE)
    with pytest.raises(TooManyAttempts):
        await open_registration(world, user_named(fresh_name()), HERE)
    await open_registration(world, user_named(fresh_name()), THERE)
    await world.advance(timedelta(minutes=30))
    for _ in range(3):
        await open_registration(world, user_named(fresh_name()), HERE)


async def test_d08_beyond_the_budget_of_recovery_an_address_is_asked_for_once_at_a_time(world: World) -> None:
    for number in range(world.limits[RECOVERY_ALL].burst):
        await world.recovery_requests.open(parse_email(f"p{number}@example.com"), NOWHERE)
    email = parse_email("ada@example.com")

    await world.recovery_requests.open(email, THERE)
    with pytest.raises(TooManyAttempts):
        await world.recovery_requests.open(email, HERE)
