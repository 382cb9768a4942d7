"""The door of confirming a sign-up: it is counted by itself alone, for only whoever has its link can try (L06, S16)."""

import pytest

from application.origin import NOWHERE, Origin
from application.sign_ups.ports import ConfirmationAttempt
from domain.accounts.pending_sign_up import PendingSignUp
from domain.errors import TooManyAttempts
from domain.limits import MOST_IN_A_ROW
from tests.support.builders import ADA, MALLORY, fresh_name, new_id, user_named
from tests.support.fakes import TODAY
from tests.support.world import SIGN_IN_ACCOUNT, SIGN_IN_DEVICE, World


def waiting(email: str | None = None) -> PendingSignUp:
    user = user_named(fresh_name(), email=email)
    return PendingSignUp(
        id=new_id(), email=user.email, username=user.username, profile=user.profile, password_hash=TODAY, photo_id=None
    )


async def opened(world: World, sign_up: PendingSignUp, origin: Origin = NOWHERE) -> ConfirmationAttempt:
    return await world.sign_up_confirmations.open(sign_up, origin)


async def use_up(world: World, sign_up: PendingSignUp) -> None:
    for _ in range(world.limits[SIGN_IN_DEVICE].burst):
        await opened(world, sign_up, MALLORY)
    with pytest.raises(TooManyAttempts):
        await opened(world, sign_up, MALLORY)


async def test_d06_l06_s16_guesses_at_sign_in_keep_nobody_from_confirming(world: World) -> None:
    """From as many sources, and up to the hundred that hold the address for a year."""
    sign_up = waiting()
    for number in range(MOST_IN_A_ROW):
        await world.attempts.open(sign_up.email, sign_up.email.original, Origin(ip_address=f"192.0.2.{number}"))
        await world.advance(world.limits[SIGN_IN_ACCOUNT].longest_cost)
    with pytest.raises(TooManyAttempts):
        await world.attempts.open(sign_up.email, sign_up.email.original, NOWHERE)

    await opened(world, sign_up)


async def test_l06_sign_ups_with_one_address_are_counted_apart(world: World) -> None:
    own, strangers = waiting("one@example.com"), waiting("one@example.com")
    await use_up(world, strangers)

    await opened(world, own, MALLORY)


async def test_l08_guesses_beside_a_link_are_limited_from_wherever_they_come(world: World) -> None:
    sign_up = waiting()
    await use_up(world, sign_up)

    for origin in (ADA, NOWHERE):
        with pytest.raises(TooManyAttempts):
            await opened(world, sign_up, origin)


async def test_guesses_beside_a_link_cost_the_address_and_the_source_nothing(world: World) -> None:
    sign_up = waiting()
    await use_up(world, sign_up)

    for _ in range(world.limits[SIGN_IN_ACCOUNT].burst):
        await world.attempts.open(sign_up.email, sign_up.email.original, MALLORY)


@pytest.mark.parametrize("is_right", [True, False])
async def test_an_attempt_that_is_given_back_is_not_counted(world: World, is_right: bool) -> None:
    sign_up = waiting()
    for _ in range(2 * world.limits[SIGN_IN_DEVICE].burst):
        attempt = await opened(world, sign_up)
        work = world.unit_of_work(NOWHERE)
        (work.attempts.prove if is_right else work.attempts.forgive)(attempt)
        await work.commit()


async def test_l14_g01_that_it_is_refused_is_an_event_once_an_hour(world: World) -> None:
    sign_up = waiting()
    digest = (await opened(world, waiting(sign_up.email.original))).identifier_digest
    await use_up(world, sign_up)
    with pytest.raises(TooManyAttempts):
        await opened(world, sign_up, MALLORY)

    (event,) = [each for each in await world.events() if each.type == "log_in.limited"]
    assert (event.user_id, event.origin, event.data) == (None, MALLORY, {"identifier_digest": digest})


async def test_what_is_left_is_told(world: World) -> None:
    """For only who has the link moves it."""
    told = []
    await opened(world, waiting(), Origin(report=told.append))

    [quota] = told
    assert (quota.policy, quota.remaining) == ("confirmation", world.limits[SIGN_IN_DEVICE].burst - 1)
