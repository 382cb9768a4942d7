"""That an account has had too many wrong passwords is written down, once an hour (L14)."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from application.origin import NOWHERE, Origin
from domain.accounts.identifiers import Username
from domain.errors import TooManyAttempts
from tests.support.builders import MALLORY, Account, attempt_by_email, registered, signed_in
from tests.support.world import SIGN_IN_ACCOUNT, SIGN_IN_SOURCE, RecordedEvent, World

HOUR = timedelta(hours=1)


async def guess(world: World, account: Account, times: int, origin: Origin = MALLORY) -> None:
    for _ in range(times):
        with suppress(TooManyAttempts):
            await attempt_by_email(world, account, origin)


async def noted(world: World) -> list[RecordedEvent]:
    return [event for event in await world.events() if event.type == "log_in.limited"]


def burst(world: World) -> int:
    return world.limits[SIGN_IN_ACCOUNT].burst


async def test_not_before_a_sign_in_is_refused(world: World) -> None:
    await guess(world, await registered(world), burst(world))

    assert await noted(world) == []


async def test_g01_l14_the_first_refusal_is_an_event_that_tells_from_where(world: World) -> None:
    ada = await registered(world)
    await guess(world, ada, burst(world))
    digest = (await attempt_by_email(world, await registered(world))).identifier_digest

    await guess(world, ada, 1)

    (event,) = await noted(world)
    assert (event.user_id, event.session_id, event.origin) == (ada.user.id, None, MALLORY)
    assert set(event.data) == {"identifier_digest"}
    assert event.data["identifier_digest"] != digest
    waiting = await world.outbox_desk.page(parked=False, after=0, at_most=9)
    told = [(each.subscriber, each.user_id) for each in waiting if each.event_type == "log_in.limited"]
    assert told == [("mail", ada.user.id)]


async def test_more_of_them_are_not(world: World) -> None:
    ada = await registered(world)

    await guess(world, ada, burst(world) + 20)

    assert len(await noted(world)) == 1


async def test_many_at_once_are_one_event(world: World) -> None:
    ada = await registered(world)

    await asyncio.gather(*(guess(world, ada, 1) for _ in range(3 * burst(world))))

    assert len(await noted(world)) == 1


async def test_another_hour_another_event(world: World) -> None:
    ada = await registered(world)
    await guess(world, ada, burst(world) + 1)
    await world.advance(HOUR - timedelta(minutes=1))
    await guess(world, ada, burst(world) + 1)
    assert len(await noted(world)) == 1

    await world.advance(timedelta(minutes=1))
    await guess(world, ada, burst(world) + 1)

    assert len(await noted(world)) == 2


async def test_l02_an_account_that_there_is_not_costs_the_same(world: World) -> None:
    """L02: the event as well, or the time of the answer tells who has an account."""
    for _ in range(burst(world) + 3):
        with suppress(TooManyAttempts):
            await world.attempts.open(Username.parse("nobody"), "nobody", NOWHERE)

    assert [event.user_id for event in await noted(world)] == [None]


async def test_a_source_that_is_refused_is_no_news_to_the_account(world: World) -> None:
    source = Origin(ip_address="203.0.113.9")
    for number in range(world.limits[SIGN_IN_SOURCE].burst):
        with suppress(TooManyAttempts):
            await world.attempts.open(Username.parse(f"some.{number}"), f"some.{number}", source)

    await guess(world, await registered(world), burst(world) + 5, source)

    assert await noted(world) == []


async def test_l08_guessing_in_a_session_is_told_alike(world: World) -> None:
    """L08: whoever holds a session and guesses the password is at the same account's limit."""
    ada = await registered(world)
    device = await signed_in(world, ada)

    for _ in range(burst(world) + 3):
        with suppress(TooManyAttempts):
            await world.reauthentications.open(device.caller, MALLORY)

    assert [(event.user_id, event.origin) for event in await noted(world)] == [(ada.user.id, MALLORY)]
