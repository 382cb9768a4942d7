"""All of the writes of a use case are done, or none."""

import asyncio

import pytest

from application.origin import NOWHERE
from domain.accounts.errors import IdentifierTaken
from domain.events import DomainEvent
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials
from domain.sessions.session import EndReason
from tests.support.builders import (
    ADA,
    MALLORY,
    Account,
    attempt_by_email,
    credential_of,
    new_id,
    open_registration,
    registered,
    session_of,
    signed_in,
    user_named,
)
from tests.support.fakes import FakeRefreshTokens
from tests.support.world import REFUSAL_NOTICE, SIGN_IN_ACCOUNT, RecordedEvent, World


async def test_nothing_is_written_before_the_commit(world: World) -> None:
    user = user_named("Ada")
    work = world.unit_of_work(NOWHERE)
    work.accounts.add(user, credential_of(user))
    work.record(DomainEvent(type="something.happened"))

    assert (await open_registration(world, user)).taken is None
    assert await world.events() == []


async def test_all_is_written_by_the_commit(world: World) -> None:
    user = user_named("Ada")
    credential = credential_of(user)
    session, token = session_of(user.id), FakeRefreshTokens().first(new_id())
    work = world.unit_of_work(NOWHERE)
    work.accounts.add(user, credential)
    work.record(DomainEvent(type="something.happened"))
    await work.commit()
    work = world.unit_of_work(NOWHERE)
    work.sessions.start(session, token, credential)
    work.record(DomainEvent(type="something.else.happened"))
    await work.commit()

    assert (await attempt_by_email(world, Account(user, credential))).user == user
    assert await world.session_row(session.id) is not None
    assert [event.type for event in await world.events()] == ["something.happened", "something.else.happened"]


async def test_an_empty_unit_of_work_commits(world: World) -> None:
    await world.unit_of_work(NOWHERE).commit()

    assert await world.events() == []


async def test_g04_a_refused_account_takes_the_other_writes_with_it(world: World) -> None:
    ada, bob = await registered(world, "Ada"), await registered(world, "Bob")
    device = await signed_in(world, bob)
    events = await world.events()
    rival = user_named("ADA", email="rival@example.com")

    work = world.unit_of_work(NOWHERE)
    work.sessions.end(device.caller, EndReason.LOGGED_OUT)
    work.record(DomainEvent(type="something.happened"))
    work.accounts.add(rival, credential_of(rival))
    with pytest.raises(IdentifierTaken):
        await work.commit()

    assert await device.is_live()
    assert await world.events() == events
    assert (await world.attempts.open(ada.user.username, "ada", NOWHERE)).user == ada.user


async def test_g04_a_refused_session_takes_the_other_writes_with_it(world: World) -> None:
    ada = await registered(world)
    await world.change_password_version(ada.user.id)
    limit = world.limits[SIGN_IN_ACCOUNT]
    attempts = [await attempt_by_email(world, ada) for _ in range(limit.burst - 1)]
    events = await world.events()
    session = session_of(ada.user.id)

    work = world.unit_of_work(ADA)
    work.attempts.forgive(attempts[0])
    work.record(DomainEvent(type="something.happened"))
    work.sessions.start(session, FakeRefreshTokens().first(session.id), ada.credential)
    with pytest.raises(InvalidCredentials):
        await work.commit()

    assert await world.session_row(session.id) is None
    assert await world.events() == events
    await attempt_by_email(world, ada)
    # The attempt was not forgiven, so that was the last.
    with pytest.raises(Exception, match="Too many attempts"):
        await attempt_by_email(world, ada)


async def test_g04_a_refused_end_takes_the_other_writes_with_it(world: World) -> None:
    device = await signed_in(world, await registered(world))
    user = user_named("Bob")
    work = world.unit_of_work(NOWHERE)
    work.sessions.end(device.caller, EndReason.LOGGED_OUT)
    await work.commit()

    work = world.unit_of_work(NOWHERE)
    work.accounts.add(user, credential_of(user))
    work.sessions.end(device.caller, EndReason.LOGGED_OUT)
    with pytest.raises(InvalidAccessToken):
        await work.commit()

    assert (await open_registration(world, user)).taken is None


async def test_g01_events_are_recorded_with_where_the_request_came_from(world: World) -> None:
    ada = await registered(world)
    session_id = (await signed_in(world, ada)).session.id
    before = len(await world.events())
    work = world.unit_of_work(ADA)
    work.record(DomainEvent(type="first", user_id=ada.user.id, session_id=session_id, data={"reason": "a test"}))
    await work.commit()
    work = world.unit_of_work(NOWHERE)
    work.record(DomainEvent(type="second"))
    await work.commit()

    assert (await world.events())[before:] == [
        RecordedEvent(type="first", user_id=ada.user.id, session_id=session_id, data={"reason": "a test"}, origin=ADA),
        RecordedEvent(type="second", user_id=None, session_id=None, data={}, origin=NOWHERE),
    ]


async def test_events_of_one_commit_keep_their_order(world: World) -> None:
    """A reader that follows the record must not see an effect before its cause."""
    work = world.unit_of_work(NOWHERE)
    for number in range(4):
        work.record(DomainEvent(type=f"event.{number}"))
    await work.commit()

    assert [event.type for event in await world.events()] == [f"event.{number}" for number in range(4)]


async def test_units_of_work_at_once_do_not_mix(world: World) -> None:
    devices = [await signed_in(world, await registered(world)) for _ in range(8)]
    works = [world.unit_of_work(NOWHERE) for _ in devices]
    for work, device in zip(works, devices, strict=True):
        work.sessions.end(device.caller, EndReason.LOGGED_OUT)
        work.record(DomainEvent(type="done", session_id=device.session.id))

    await asyncio.gather(*(work.commit() for work in works[:4]))

    assert [await device.is_live() for device in devices] == [False] * 4 + [True] * 4
    done = [event.session_id for event in await world.events() if event.type == "done"]
    assert set(done) == {device.session.id for device in devices[:4]}
    assert len(done) == 4


async def test_d06_what_anybody_may_cause_is_noted_so_often_from_one_source(world: World) -> None:
    for origin in (ADA, MALLORY, NOWHERE):
        for _ in range(5):
            work = world.unit_of_work(origin)
            work.note(DomainEvent(type="one_time_token.refused"))
            work.record(DomainEvent(type="something.happened"))
            await work.commit()

    noted = [event.origin for event in await world.events() if event.type == "one_time_token.refused"]
    assert [noted.count(origin) for origin in (ADA, MALLORY, NOWHERE)] == [world.limits[REFUSAL_NOTICE].burst] * 3
    assert len(await world.events()) == len(noted) + 15, "and everything else is written"
