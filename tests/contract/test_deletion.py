"""What the deletion of an account takes along, and what it leaves of the record."""

import asyncio

import pytest

from application.origin import NOWHERE, Origin
from domain.accounts.errors import UserNotFound
from domain.accounts.events import user_deleted
from domain.accounts.user import User
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials
from domain.sessions.events import log_in_failed
from domain.sessions.session import EndReason
from tests.support.builders import (
    ADA,
    Account,
    Device,
    attempt_by_email,
    open_registration,
    registered,
    session_of,
    signed_in,
    user_named,
)
from tests.support.fakes import FakeRefreshTokens
from tests.support.world import World


async def erase(world: World, user: User, *, by: Device | None = None) -> None:
    work = world.unit_of_work(Origin(request_id="the deletion"))
    if by:
        work.sessions.require_live(by.caller)
    work.sessions.end_all_of(user.id, EndReason.ACCOUNT_DELETED)
    work.photos.release_of(user.id)
    work.accounts.release_username(user)
    work.accounts.remove(user.id)
    work.record(user_deleted(user.id))
    await work.commit()


async def sign_in(world: World, account: Account) -> None:
    session = session_of(account.user.id)
    work = world.unit_of_work(NOWHERE)
    work.sessions.start(session, FakeRefreshTokens().first(session.id), account.credential)
    await work.commit()


async def test_the_account_is_gone_and_others_are_not(world: World) -> None:
    ada, bob = await registered(world, "Ada"), await registered(world, "Bob")
    devices = [await signed_in(world, ada), await signed_in(world, ada)]
    of_bob = await signed_in(world, bob)

    await erase(world, ada.user)

    attempt = await attempt_by_email(world, ada)
    assert (attempt.user, attempt.credential) == (None, None)
    for device in devices:
        assert not await device.is_live()
        assert await device.refresh(device.first_token) is None
        assert await world.session_row(device.session.id) is None
    assert await of_bob.is_live()
    assert (await attempt_by_email(world, bob)).user == bob.user


async def test_the_username_stays_reserved_and_the_address_does_not(world: World) -> None:
    ada = await registered(world, "Ada", email="ada@example.com")

    await erase(world, ada.user)

    opened = await open_registration(world, user_named("ADA", email="ada@example.com"))
    assert opened.taken is not None
    assert [violation.field for violation in opened.taken.violations] == ["username"]


async def test_the_record_keeps_what_happened_and_nothing_personal(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    await signed_in(world, ada)
    of_bob = await signed_in(world, bob)
    work = world.unit_of_work(ADA)
    work.record(log_in_failed(ada.user.id, "0123456789abcdef"))
    await work.commit()
    before = await world.events()

    await erase(world, ada.user)

    after = await world.events()
    assert [event.type for event in after][: len(before)] == [event.type for event in before]
    assert sorted(event.type for event in after[len(before) :]) == ["session.ended", "user.deleted"]
    of_ada = [event for event in after if event.user_id == ada.user.id]
    assert {(event.origin.ip_address, event.origin.user_agent) for event in of_ada} == {(None, None)}
    assert {event.origin.request_id for event in of_ada} == {None, "the deletion", "request-of-ada"}
    assert all("identifier_digest" not in event.data for event in of_ada)
    assert next(event for event in after if event.session_id == of_bob.session.id).origin == ADA


async def test_nobody_cannot_be_deleted(world: World) -> None:
    ada = await registered(world)
    await erase(world, ada.user)
    events = await world.events()

    with pytest.raises(UserNotFound):
        await erase(world, ada.user)

    assert await world.events() == events


async def test_of_eight_at_once_one_deletes(world: World) -> None:
    ada = await registered(world)
    device = await signed_in(world, ada)

    results = await asyncio.gather(*(erase(world, ada.user, by=device) for _ in range(8)), return_exceptions=True)

    assert results.count(None) == 1
    assert sum(isinstance(result, InvalidAccessToken) for result in results) == 7
    assert [event.type for event in await world.events()].count("user.deleted") == 1


async def test_a03_x13_refreshes_and_sign_ins_at_once_leave_nothing(world: World) -> None:
    """I5, A03."""
    for _ in range(10):
        ada = await registered(world)
        device = await signed_in(world, ada)

        results = await asyncio.gather(
            *(device.refresh(device.first_token) for _ in range(4)),
            *(sign_in(world, ada) for _ in range(4)),
            erase(world, ada.user),
            *(device.refresh(device.first_token) for _ in range(4)),
            return_exceptions=True,
        )

        failures = [result for result in results if isinstance(result, BaseException)]
        assert all(isinstance(failure, InvalidCredentials) for failure in failures), failures
        assert not await device.is_live()
        assert await world.session_row(device.session.id) is None
        assert (await attempt_by_email(world, ada)).user is None
