"""All that is held on a user, as it was at one moment."""

import pytest

from application.accounts.export_account import ArchiveContents, HeldEvent
from application.origin import NOWHERE
from domain.accounts.pending_sign_up import sign_up_requested
from domain.credentials.password import CredentialKind
from domain.errors import TooManyAttempts
from domain.events import DomainEvent, RecordedEvent
from domain.recovery.email_change import EmailChange
from domain.recovery.one_time_token import PASSWORD_RESET_LIFETIME, TokenPurpose
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import EndReason
from tests.support.builders import ADA, Device, new_id, registered, signed_in
from tests.support.fakes import FakeOneTimeTokenCodec, parse_email
from tests.support.world import EXPORT_ACCOUNT, World


@pytest.fixture
async def device(world: World) -> Device:
    await signed_in(world, await registered(world))
    return await signed_in(world, await registered(world))


async def all_events(world: World, contents: ArchiveContents, *, at_most: int = 2) -> list[RecordedEvent]:
    found: list[HeldEvent] = []
    while page := await world.archive.events(contents, after=found[-1].position if found else 0, at_most=at_most):
        assert len(page) <= at_most
        found += page
    return [held.event for held in found]


async def record(world: World, device: Device, number: int) -> None:
    work = world.unit_of_work(ADA)
    for each in range(number):
        work.record(DomainEvent(type=f"event.{each}", user_id=device.session.user_id, data={"reason": "a test"}))
    await work.commit()


async def test_the_sign_up_that_became_the_account_is_theirs(world: World, device: Device) -> None:
    """Which names no user."""
    work = world.unit_of_work(ADA)
    work.record(sign_up_requested(device.session.user_id))
    work.record(sign_up_requested(new_id()))
    await work.commit()
    contents = await world.archive.open(device.caller)
    types = [event.type for event in await all_events(world, contents)]
    assert types.count("sign_up.requested") == 1


async def test_what_is_few(world: World, device: Device) -> None:
    work = world.unit_of_work(NOWHERE)
    token = FakeOneTimeTokenCodec().new(TokenPurpose.OPERATOR_PASSWORD_RESET).token
    work.one_time_tokens.issue(token, device.session.user_id, PASSWORD_RESET_LIFETIME)
    await work.commit()

    contents = await world.archive.open(device.caller)

    assert contents.user.id == device.session.user_id
    assert contents.now >= device.session.created_at
    [credential] = contents.credentials
    assert (credential.kind, credential.created_at) == (CredentialKind.PASSWORD, contents.user.created_at)
    [held] = contents.one_time_tokens
    assert held.purpose == "operator_password_reset"
    assert contents.username_changed_at == ()
    assert contents.reserved_usernames == 1


async def test_the_addresses_that_come_and_went(world: World, device: Device) -> None:
    contents = await world.archive.open(device.caller)
    assert (contents.pending_email, contents.former_emails) == (None, ())
    for address in ("Next@Example.com", "Later@Example.com"):
        change = EmailChange(id=new_id(), email=parse_email(address))
        work = world.unit_of_work(NOWHERE)
        work.accounts.prove_email(device.session.user_id)
        await work.commit()
        work = world.unit_of_work(NOWHERE)
        work.email_changes.request(device.caller, change)
        await work.commit()
        if address.startswith("Next"):
            work = world.unit_of_work(NOWHERE)
            work.email_changes.apply(device.session.user_id, change)
            await work.commit()

    after = await world.archive.open(device.caller)

    assert after.user.email.original == "Next@Example.com"
    assert (after.pending_email, after.former_emails) == ("Later@Example.com", (contents.user.email.original,))


async def test_sessions_in_pages_those_that_have_ended_too(world: World) -> None:
    ada = await registered(world)
    devices = [await signed_in(world, ada) for _ in range(5)]
    await signed_in(world, await registered(world))
    work = world.unit_of_work(NOWHERE)
    work.sessions.end(devices[1].caller, EndReason.LOGGED_OUT)
    await work.commit()

    contents = await world.archive.open(devices[0].caller)
    first = await world.archive.sessions(contents, after=None, at_most=3)
    second = await world.archive.sessions(contents, after=first[-1].id, at_most=3)
    none = await world.archive.sessions(contents, after=second[-1].id, at_most=3)

    assert [session.id for session in (*first, *second)] == [device.session.id for device in devices]
    assert none == []
    assert first[1].end_reason == EndReason.LOGGED_OUT
    assert first[1].ended_at is not None
    assert first[0] == devices[0].session


async def test_x11_a_session_that_a_newer_version_ended_has_its_reason(world: World) -> None:
    """X11: versions run side by side, and an export that has begun cannot be refused any more."""
    ada = await registered(world)
    ended, live = await signed_in(world, ada), await signed_in(world, ada)
    await world.end_session(ended.session.id, "a_reason_of_tomorrow")

    contents = await world.archive.open(live.caller)
    first, second = await world.archive.sessions(contents, after=None, at_most=2)

    assert (first.id, first.end_reason) == (ended.session.id, "a_reason_of_tomorrow")
    assert first.ended_at is not None
    assert (second.ended_at, second.end_reason) == (None, None)


async def test_events_in_pages_in_their_order(world: World, device: Device) -> None:
    await record(world, device, 5)

    events = await all_events(world, await world.archive.open(device.caller))

    assert [event.type for event in events] == [
        "user.registered", "session.started", *[f"event.{number}" for number in range(5)],
    ]  # fmt: skip
    assert len({event.id for event in events}) == 7
    last = events[-1]
    assert (last.ip_address, last.user_agent, last.request_id) == (ADA.ip_address, ADA.user_agent, ADA.request_id)
    assert last.data == {"reason": "a test"}
    assert events[1].session_id == device.session.id


async def test_what_is_written_later_is_not_in_it(world: World, device: Device) -> None:
    contents = await world.archive.open(device.caller)
    await record(world, device, 3)

    assert [event.type for event in await all_events(world, contents)] == ["user.registered", "session.started"]


async def test_a_session_that_is_not_live_gets_nothing_and_counts_nothing(world: World) -> None:
    ada = await registered(world)
    ended, live = await signed_in(world, ada), await signed_in(world, ada)
    work = world.unit_of_work(NOWHERE)
    work.sessions.end(ended.caller, EndReason.LOGGED_OUT)
    await work.commit()

    for _ in range(2 * world.limits[EXPORT_ACCOUNT].burst):
        with pytest.raises(InvalidAccessToken):
            await world.archive.open(ended.caller)

    await world.archive.open(live.caller)


async def test_d08_it_is_limited_for_each_account(world: World) -> None:
    """D08: it costs more than anything else that one may ask for."""
    ada, bob = await signed_in(world, await registered(world)), await signed_in(world, await registered(world))
    for _ in range(world.limits[EXPORT_ACCOUNT].burst):
        await world.archive.open(ada.caller)

    with pytest.raises(TooManyAttempts) as refusal:
        await world.archive.open(ada.caller)

    assert refusal.value.retry_after
    await world.archive.open(bob.caller)
