"""Sessions: starting, reading and ending one. Refreshing is in ``test_refresh.py``."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from application.origin import NOWHERE
from application.sessions.ports import Caller
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials, SessionNotFound
from domain.sessions.events import session_ended
from domain.sessions.session import EndReason, SessionLifetime
from tests.support.builders import ADA, SHORT, Device, attempt_by_email, new_id, registered, session_of, signed_in
from tests.support.fakes import FakeRefreshTokens
from tests.support.world import World

Deed = Callable[[World, Device], Awaitable[None]]
Change = Callable[[World, UUID], Awaitable[None]]


async def log_out(world: World, device: Device) -> None:
    work = world.unit_of_work(ADA)
    work.sessions.end(device.caller, EndReason.LOGGED_OUT)
    work.record(session_ended(device.session.id, device.session.user_id, EndReason.LOGGED_OUT))
    await work.commit()


async def stay_away_longer_than_idle(world: World, device: Device) -> None:
    await world.advance(device.session.idle_lifetime)


async def reach_the_absolute_end(world: World, device: Device) -> None:
    """Keep refreshing until the very end, so that the idle one is not what ends it."""
    token = device.first_token
    for _ in range(47):
        await world.advance(timedelta(minutes=30))
        token = await device.rotate(token)
    await world.advance(timedelta(minutes=30))


async def be_disabled(world: World, device: Device) -> None:
    await world.disable(device.session.user_id)


ENDS = pytest.mark.parametrize("end", [log_out, stay_away_longer_than_idle, reach_the_absolute_end, be_disabled])


async def test_a_new_session_is_live(world: World) -> None:
    ada = await registered(world)
    device = await signed_in(world, ada)

    live = await world.sessions.live(device.caller)

    assert live is not None
    assert live.user == ada.user
    assert live.session == device.session
    assert live.session.created_at <= live.now < live.session.idle_expires_at


async def test_a_session_is_stored_whole(world: World) -> None:
    ada = await registered(world)
    attempt = await attempt_by_email(world, ada)
    session = session_of(ada.user.id, now=attempt.now)
    session = replace(
        session, authentication=replace(session.authentication, methods=("pwd", "otp"), context_class="2", scope="a b")
    )
    token = FakeRefreshTokens().first(session.id)
    work = world.unit_of_work(ADA)
    work.sessions.start(session, token, ada.credential)
    await work.commit()

    row = await world.session_row(session.id)

    assert row is not None
    assert (row.session, row.digest, row.sealed) == (session, token.digest, None)


async def test_a_session_of_nowhere_is_stored(world: World) -> None:
    ada = await registered(world)
    session = session_of(ada.user.id, now=(await attempt_by_email(world, ada)).now, origin=NOWHERE)
    work = world.unit_of_work(NOWHERE)
    work.sessions.start(session, FakeRefreshTokens().first(session.id), ada.credential)
    await work.commit()

    live = await world.sessions.live(Caller(user_id=ada.user.id, session_id=session.id))

    assert live is not None
    assert (live.session.ip_address, live.session.user_agent) == (None, None)


@ENDS
async def test_a_session_that_has_ended_is_not_live(world: World, end: Deed) -> None:
    device = await signed_in(world, await registered(world))
    assert await device.is_live()

    await end(world, device)

    assert not await device.is_live()


async def test_a_session_lives_until_its_end(world: World) -> None:
    device = await signed_in(world, await registered(world))

    await world.advance(SHORT.idle - timedelta(seconds=30))

    assert await device.is_live()


async def test_an_absolute_end_that_comes_first_is_the_end(world: World) -> None:
    lifetime = SessionLifetime(idle=timedelta(hours=1), absolute=timedelta(minutes=30))
    device = await signed_in(world, await registered(world), lifetime=lifetime)

    await world.advance(timedelta(minutes=30))

    assert not await device.is_live()


async def test_a_session_answers_to_its_own_user_only(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    device = await signed_in(world, ada)

    assert await world.sessions.live(Caller(user_id=bob.user.id, session_id=device.session.id)) is None
    assert await world.sessions.live(Caller(user_id=new_id(), session_id=device.session.id)) is None
    assert await world.sessions.live(Caller(user_id=ada.user.id, session_id=new_id())) is None


async def change_the_password(world: World, user_id: UUID) -> None:
    await world.change_password_version(user_id)


async def disable(world: World, user_id: UUID) -> None:
    await world.disable(user_id)


@pytest.mark.parametrize("change", [change_the_password, disable])
async def test_x13_a_sign_in_that_raced_with_a_change_of_the_account_is_refused(world: World, change: Change) -> None:
    ada = await registered(world)
    attempt = await attempt_by_email(world, ada)
    assert attempt.credential is not None
    events = await world.events()
    await change(world, ada.user.id)

    session = session_of(ada.user.id, now=attempt.now)
    work = world.unit_of_work(ADA)
    work.sessions.start(session, FakeRefreshTokens().first(session.id), attempt.credential)
    with pytest.raises(InvalidCredentials):
        await work.commit()

    assert await world.session_row(session.id) is None
    assert await world.events() == events


async def test_a_changed_password_of_somebody_else_is_no_obstacle(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    await world.change_password_version(bob.user.id)
    await world.disable(bob.user.id)

    assert await (await signed_in(world, ada)).is_live()


async def test_l11_a_better_hash_between_reading_and_starting_is_no_obstacle(world: World) -> None:
    """L11: two devices that sign in at once, one of which rehashes, are both signed in."""
    ada = await registered(world)
    work = world.unit_of_work(NOWHERE)
    work.credentials.rehash(ada.credential, "$fake$better$")
    await work.commit()

    assert await (await signed_in(world, ada)).is_live()


async def test_logging_out_says_when_and_why_and_is_recorded(world: World) -> None:
    device = await signed_in(world, await registered(world))
    await log_out(world, device)

    session = (await device.row()).session
    assert session.end_reason is EndReason.LOGGED_OUT
    assert session.ended_at is not None
    last = (await world.events())[-1]
    assert (last.type, last.session_id, last.user_id) == ("session.ended", session.id, session.user_id)
    assert (last.data, last.origin) == ({"reason": "logged_out"}, ADA)


@ENDS
async def test_a_session_that_has_ended_cannot_be_ended(world: World, end: Deed) -> None:
    device = await signed_in(world, await registered(world))
    await end(world, device)
    row, events = await device.row(), await world.events()

    with pytest.raises(InvalidAccessToken):
        await log_out(world, device)

    assert await device.row() == row
    assert await world.events() == events


async def test_nobody_ends_the_session_of_another(world: World) -> None:
    ada, mallory = await registered(world), await registered(world)
    device = await signed_in(world, ada)
    forged = replace(device, session=replace(device.session, user_id=mallory.user.id))

    with pytest.raises(InvalidAccessToken):
        await log_out(world, forged)

    assert await device.is_live()


async def test_logging_out_ends_one_session_only(world: World) -> None:
    ada = await registered(world)
    phone, laptop = await signed_in(world, ada), await signed_in(world, ada)

    await log_out(world, phone)

    assert not await phone.is_live()
    assert await laptop.is_live()


async def test_of_two_log_outs_at_once_one_is_acknowledged(world: World) -> None:
    device = await signed_in(world, await registered(world))

    results = await asyncio.gather(*(log_out(world, device) for _ in range(2)), return_exceptions=True)

    assert results.count(None) == 1
    assert sum(isinstance(result, InvalidAccessToken) for result in results) == 1
    assert [event.type for event in await world.events()].count("session.ended") == 1


async def test_o02_x13_a_session_is_dead_after_log_out_raced_with_refreshes(world: World) -> None:
    """O02: whichever came first."""
    for _ in range(5):
        device = await signed_in(world, await registered(world))

        answers = await asyncio.gather(
            *(device.refresh(device.first_token) for _ in range(4)),
            log_out(world, device),
            *(device.refresh(device.first_token) for _ in range(4)),
        )

        assert not await device.is_live()
        successors = {answer for answer in answers if answer is not None}
        assert len(successors) <= 1
        for token in (device.first_token, *successors):
            assert await device.refresh(token) is None


async def end_one(world: World, caller: Device, session_id: UUID) -> None:
    work = world.unit_of_work(ADA)
    work.sessions.require_live(caller.caller)
    work.sessions.end_one_of(caller.session.user_id, session_id, EndReason.REVOKED)
    await work.commit()


async def test_one_session_ends_by_its_id(world: World) -> None:
    ada = await registered(world)
    mine, other, third = [await signed_in(world, ada) for _ in range(3)]

    await end_one(world, mine, other.session.id)
    await end_one(world, mine, mine.session.id)

    assert [await device.is_live() for device in (mine, other, third)] == [False, False, True]
    assert (await other.row()).session.end_reason is EndReason.REVOKED
    assert await other.refresh(other.first_token) is None


@ENDS
async def test_a_session_that_has_ended_is_not_found(world: World, end: Deed) -> None:
    ada = await registered(world)
    device = await signed_in(world, ada)
    await end(world, device)
    row = await device.row()
    work = world.unit_of_work(ADA)
    work.sessions.end_one_of(ada.user.id, device.session.id, EndReason.REVOKED)

    with pytest.raises(SessionNotFound):
        await work.commit()

    assert await device.row() == row


async def test_o06_a_session_of_another_user_is_not_found(world: World) -> None:
    """O06."""
    device = await signed_in(world, await registered(world))
    mallory = await signed_in(world, await registered(world))

    for session_id in (device.session.id, new_id()):
        with pytest.raises(SessionNotFound):
            await end_one(world, mallory, session_id)

    assert await device.is_live()


async def test_whoever_is_signed_out_is_told_that_and_not_what_there_is(world: World) -> None:
    ada = await registered(world)
    mine, other = await signed_in(world, ada), await signed_in(world, ada)
    await log_out(world, mine)

    for session_id in (other.session.id, mine.session.id, new_id()):
        with pytest.raises(InvalidAccessToken):
            await end_one(world, mine, session_id)

    assert await other.is_live()


async def end_all(world: World, user_id: UUID, *, but: UUID | None = None) -> None:
    work = world.unit_of_work(ADA)
    work.sessions.end_all_of(user_id, EndReason.PASSWORD_CHANGED, but=but)
    await work.commit()


async def test_all_sessions_of_a_user_end_but_one(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    kept, *others = [await signed_in(world, ada) for _ in range(3)]
    stranger = await signed_in(world, bob)

    await end_all(world, ada.user.id, but=kept.session.id)

    assert await kept.is_live()
    assert await stranger.is_live()
    assert [await device.is_live() for device in others] == [False, False]
    assert {(await device.row()).session.end_reason for device in others} == {EndReason.PASSWORD_CHANGED}


async def test_each_session_that_ends_is_recorded_once(world: World) -> None:
    ada = await registered(world)
    devices = [await signed_in(world, ada) for _ in range(2)]
    await log_out(world, devices[0])

    await end_all(world, ada.user.id)

    ends = [event for event in await world.events() if event.type == "session.ended"][1:]
    assert [(event.session_id, event.data, event.origin) for event in ends] == [
        (devices[1].session.id, {"reason": "password_changed"}, ADA)
    ]


async def test_a_session_that_had_expired_is_not_ended_again(world: World) -> None:
    ada = await registered(world)
    device = await signed_in(world, ada)
    await stay_away_longer_than_idle(world, device)

    await end_all(world, ada.user.id)

    assert (await device.row()).session.ended_at is None


async def test_no_refresh_survives_the_end_of_all(world: World) -> None:
    ada = await registered(world)
    device = await signed_in(world, ada)

    await asyncio.gather(*(device.refresh(device.first_token) for _ in range(8)), end_all(world, ada.user.id))

    assert not await device.is_live()
    assert await device.refresh(device.first_token) is None


@ENDS
async def test_a_unit_of_work_can_require_a_live_session(world: World, end: Deed) -> None:
    ada = await registered(world)
    device, other = await signed_in(world, ada), await signed_in(world, ada)
    work = world.unit_of_work(ADA)
    work.sessions.require_live(device.caller)
    await work.commit()
    await end(world, device)

    work.sessions.require_live(device.caller)
    work.sessions.end(other.caller, EndReason.REVOKED)

    with pytest.raises(InvalidAccessToken):
        await work.commit()
    assert (await other.row()).session.ended_at is None
