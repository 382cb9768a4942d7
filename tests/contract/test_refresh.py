"""Presenting refresh tokens to a session: the whole table of the rule in ``domain.sessions.refresh_chain``.

The times between presentations stay clear of the ten seconds of grace, for a real database takes time of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest

from application.sessions.ports import PresentedRefreshToken
from domain.sessions.session import EndReason, SessionLifetime
from tests.support.builders import ADA, MALLORY, SHORT, Device, new_id, registered, signed_in
from tests.support.fakes import token_text
from tests.support.world import World

LATER = timedelta(minutes=1)
SOON = timedelta(seconds=4)
NEARLY_IDLE = SHORT.idle - timedelta(seconds=30)
TICK = timedelta(seconds=30)


async def log_out(world: World, device: Device) -> None:
    work = world.unit_of_work(ADA)
    work.sessions.end(device.caller, EndReason.LOGGED_OUT)
    await work.commit()


async def go_idle(world: World, device: Device) -> None:
    await world.advance(device.session.idle_lifetime)


async def be_disabled(world: World, device: Device) -> None:
    await world.disable(device.session.user_id)


async def ends_of(world: World) -> list[tuple[object, ...]]:
    return [
        (event.session_id, event.user_id, event.data["reason"], event.origin)
        for event in await world.events()
        if event.type == "session.ended"
    ]


async def assert_unmoved(device: Device, presentation: Callable[[], Awaitable[str | None]]) -> None:
    """The presentation is refused and leaves the row as it was."""
    row = await device.row()
    assert await presentation() is None
    assert await device.row() == row


@pytest.fixture
async def device(world: World) -> Device:
    return await signed_in(world, await registered(world))


async def test_r01_the_current_token_is_replaced(world: World, device: Device) -> None:
    tokens = [device.first_token]
    for _ in range(4):
        tokens.append(await device.rotate(tokens[-1]))
        await world.advance(LATER)

    assert len(set(tokens)) == 5
    assert [device.tokens.parse(token).generation for token in tokens] == [0, 1, 2, 3, 4]
    row = await device.row()
    assert row.session.chain.generation == 4
    assert row.digest == device.tokens.digest(device.tokens.parse(tokens[-1]))


async def test_a_refresh_tells_of_the_session_as_it_stands_then(world: World, device: Device) -> None:
    presented = device.tokens.parse(device.first_token)

    refreshed = await world.sessions.refresh(
        presented, device.tokens.digest(presented), device.tokens.successor(presented), ADA
    )

    assert refreshed is not None
    assert refreshed.live.session == (await device.row()).session
    assert refreshed.live.user.id == device.session.user_id
    assert refreshed.live.now == refreshed.live.session.last_used_at


async def test_r03_a_token_presented_again_gives_the_same_successor(world: World, device: Device) -> None:
    """R03."""
    successor = await device.rotate(device.first_token)
    await world.advance(SOON)
    row = await device.row()

    for _ in range(3):
        assert await device.refresh(device.first_token) == successor

    assert await device.row() == row


async def test_r02_r13_x13_any_number_at_once_get_one_successor(world: World, device: Device) -> None:
    """R02, R13."""
    token = device.first_token
    for generation in range(1, 4):
        answers = await asyncio.gather(*(device.refresh(token) for _ in range(64)))

        assert len(set(answers)) == 1
        assert (await device.row()).session.chain.generation == generation
        token = answers[0] or ""


async def test_a_burst_over_two_generations_leaves_one_chain(world: World, device: Device) -> None:
    first, second = device.first_token, await device.rotate(device.first_token)

    answers = await asyncio.gather(*(device.refresh(token) for token in [first, second] * 16))

    third = set(answers[1::2])
    assert len(third) == 1
    assert set(answers[::2]) <= {second, None}
    assert (await device.row()).session.chain.generation == 2
    assert await device.is_live()


async def test_a_late_answer_is_given_once_and_again(world: World, device: Device) -> None:
    successor = await device.rotate(device.first_token)
    await world.advance(LATER)

    assert await device.refresh(device.first_token) == successor
    await world.advance(LATER)
    assert await device.refresh(device.first_token) == successor

    chain = (await device.row()).session.chain
    assert (chain.generation, chain.late, chain.previous_late) == (1, True, False)
    assert await device.refresh(successor) is not None
    assert await ends_of(world) == []


async def test_late_answers_in_two_generations_running_end_the_session(world: World, device: Device) -> None:
    second = await device.rotate(device.first_token)
    await world.advance(LATER)
    assert await device.refresh(device.first_token) == second
    third = await device.rotate(second)
    await world.advance(LATER)

    assert await device.refresh(second, MALLORY) is None

    assert not await device.is_live()
    assert await device.refresh(third) is None
    assert (await device.row()).session.end_reason is EndReason.REFRESH_TOKEN_REUSED
    session = device.session
    assert await ends_of(world) == [(session.id, session.user_id, "refresh_token_reused", MALLORY)]


async def test_late_answers_with_a_punctual_generation_between_do_not(world: World, device: Device) -> None:
    token = device.first_token
    for _ in range(3):
        successor = await device.rotate(token)
        await world.advance(LATER)
        assert await device.refresh(token) == successor
        token = await device.rotate(await device.rotate(successor))
        await world.advance(LATER)

    assert await device.is_live()


async def test_a_punctual_repeat_after_a_late_generation_does_not_either(world: World, device: Device) -> None:
    second = await device.rotate(device.first_token)
    await world.advance(LATER)
    await device.rotate(device.first_token)
    third = await device.rotate(second)

    assert await device.refresh(second) == third
    assert await device.is_live()


async def test_a_straggler_of_a_burst_is_refused_and_nothing_else(world: World, device: Device) -> None:
    second = await device.rotate(device.first_token)
    third = await device.rotate(second)
    await world.advance(SOON)

    await assert_unmoved(device, lambda: device.refresh(device.first_token))

    assert await device.refresh(third) is not None
    assert await ends_of(world) == []


@pytest.mark.parametrize("pauses", [(LATER, SOON), (SOON, LATER), (LATER, LATER)], ids=["first", "last", "both"])
async def test_r04_an_older_token_outside_a_burst_ends_the_session(
    world: World, device: Device, pauses: tuple[timedelta, timedelta]
) -> None:
    """R04: one rotation out of the grace is enough."""
    second = await device.rotate(device.first_token)
    await world.advance(pauses[0])
    third = await device.rotate(second)
    await world.advance(pauses[1])

    assert await device.refresh(device.first_token, MALLORY) is None

    session = device.session
    assert await ends_of(world) == [(session.id, session.user_id, "refresh_token_reused", MALLORY)]
    assert not await device.is_live()
    for token in (device.first_token, second, third):
        await assert_unmoved(device, partial(device.refresh, token))


async def test_r05_reuse_ends_that_session_and_no_other(world: World) -> None:
    """R05."""
    ada, bob = await registered(world), await registered(world)
    phone, laptop, of_bob = [await signed_in(world, who) for who in (ada, ada, bob)]
    await phone.rotate(await phone.rotate(phone.first_token))
    await world.advance(LATER)

    assert await phone.refresh(phone.first_token) is None

    assert not await phone.is_live()
    for other in (laptop, of_bob):
        assert await other.is_live()
        assert await other.refresh(other.first_token) is not None


async def test_reuse_seen_by_many_at_once_is_recorded_once(world: World, device: Device) -> None:
    await device.rotate(await device.rotate(device.first_token))
    await world.advance(LATER)

    answers = await asyncio.gather(*(device.refresh(device.first_token) for _ in range(16)))

    assert set(answers) == {None}
    assert len(await ends_of(world)) == 1


async def test_r10_a_token_of_the_future_changes_nothing(world: World, device: Device) -> None:
    presented = device.tokens.parse(device.first_token)
    for generation in (1, 2, 1000):
        text = token_text(presented.session_id, generation, presented.secret)
        await assert_unmoved(device, partial(device.refresh, text))

    assert await device.refresh(device.first_token) is not None


async def test_r10_another_secret_of_the_current_generation_changes_nothing(world: World, device: Device) -> None:
    token = await device.rotate(device.first_token)
    await assert_unmoved(device, lambda: device.refresh(token_text(device.session.id, 1, b"?" * 32)))

    assert await device.refresh(token) is not None
    assert await ends_of(world) == []


async def test_r10_a_token_of_an_unknown_session_gives_nothing(world: World, device: Device) -> None:
    presented = PresentedRefreshToken(session_id=new_id(), generation=0, secret=b"?" * 32)

    refreshed = await world.sessions.refresh(
        presented, device.tokens.digest(presented), device.tokens.successor(presented), ADA
    )

    assert refreshed is None


@pytest.mark.parametrize("end", [log_out, go_idle, be_disabled])
async def test_nothing_answers_when_the_session_has_ended(
    world: World, device: Device, end: Callable[[World, Device], Awaitable[None]]
) -> None:
    """The current token, the one before, an older one: which would else be reuse."""
    second = await device.rotate(device.first_token)
    await world.advance(LATER)
    third = await device.rotate(second)
    await end(world, device)
    ended = await ends_of(world)

    for token in (third, second, device.first_token):
        await assert_unmoved(device, partial(device.refresh, token))

    assert await ends_of(world) == ended


async def test_r07_nothing_answers_past_the_absolute_end(world: World) -> None:
    lifetime = SessionLifetime(idle=timedelta(hours=1), absolute=timedelta(hours=2))
    device = await signed_in(world, await registered(world), lifetime=lifetime)
    await world.advance(NEARLY_IDLE)
    second = await device.rotate(device.first_token)
    await world.advance(NEARLY_IDLE)
    third = await device.rotate(second)
    await world.advance(2 * TICK)

    for token in (third, second, device.first_token):
        await assert_unmoved(device, partial(device.refresh, token))


async def test_a_rotation_moves_the_idle_end(world: World, device: Device) -> None:
    await world.advance(NEARLY_IDLE)
    await device.rotate(device.first_token)
    session = (await device.row()).session
    assert session.idle_expires_at - session.last_used_at == SHORT.idle

    await world.advance(NEARLY_IDLE)

    assert await device.is_live()


async def test_a_repeated_answer_does_not(world: World, device: Device) -> None:
    await device.rotate(device.first_token)
    await world.advance(NEARLY_IDLE)
    before = (await device.row()).session

    assert await device.refresh(device.first_token) is not None

    after = (await device.row()).session
    assert (after.idle_expires_at, after.last_used_at) == (before.idle_expires_at, before.last_used_at)
    await world.advance(TICK)
    assert not await device.is_live()


async def test_r07_the_idle_end_never_passes_the_absolute_one(world: World) -> None:
    lifetime = SessionLifetime(idle=timedelta(hours=1), absolute=timedelta(minutes=90))
    device = await signed_in(world, await registered(world), lifetime=lifetime)
    await world.advance(NEARLY_IDLE)
    await device.rotate(device.first_token)

    session = (await device.row()).session

    assert session.idle_expires_at == session.expires_at
    assert session.expires_at - session.created_at == lifetime.absolute


async def test_a_rotation_keeps_all_else(world: World, device: Device) -> None:
    """Another address and client may refresh; the session says where it was begun."""
    await device.refresh(device.first_token, MALLORY)

    before, after = device.session, (await device.row()).session
    for name in ("id", "user_id", "authentication", "created_at", "expires_at", "ip_address", "user_agent", "ended_at"):
        assert getattr(after, name) == getattr(before, name)
