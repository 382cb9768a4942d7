"""Changing one's own profile."""

import asyncio
from datetime import timedelta

import pytest

from application.sessions.ports import Caller
from domain.accounts.errors import UsernameTaken
from domain.accounts.profile import Profile
from domain.accounts.user import User
from domain.errors import InvalidInput
from tests.support.builders import ADA
from tests.support.service import Service, caller_of


@pytest.fixture
async def caller(service: Service) -> Caller:
    await service.sign_up(given_name="Ada", zoneinfo="UTC")
    caller = caller_of(await service.sign_in())
    service.world.store.round_trips = 0
    service.world.store.rows.events.clear()
    return caller


async def change(service: Service, caller: Caller, username: str | None = None, **profile: str | None) -> User:
    return await service.change_profile(caller, username, profile, ADA)


async def test_the_answer_is_the_account_as_it_is_then(service: Service, caller: Caller) -> None:
    await service.world.advance(timedelta(minutes=1))
    user = await change(service, caller, "Lady.Ada", given_name=None, phone_number="+44 20 7946 0123", locale="EN-gb")

    assert user == await service.view_profile(caller)
    assert user.username.original == "Lady.Ada"
    assert user.profile == Profile(phone_number="+442079460123", locale="en-GB", zoneinfo="UTC")
    assert user.updated_at == service.world.store.clock.now() > user.created_at


async def test_it_takes_two_round_trips(service: Service, caller: Caller) -> None:
    await change(service, caller, "Lady.Ada", given_name="Augusta")

    assert service.world.store.round_trips == 2


async def test_nothing_given_is_nothing_changed(service: Service, caller: Caller) -> None:
    before = await service.view_profile(caller)
    await service.world.advance(timedelta(minutes=1))

    assert await change(service, caller) == before
    assert await service.world.events() == []


async def test_the_event_names_fields_and_no_values(service: Service, caller: Caller) -> None:
    await change(service, caller, "Lady.Ada", zoneinfo=None, given_name="Augusta")

    [event] = await service.world.events()
    assert (event.type, event.user_id, event.session_id) == ("user.profile_changed", caller.user_id, caller.session_id)
    assert (event.data, event.origin) == ({"fields": "given_name,username,zoneinfo"}, ADA)


async def test_every_field_that_is_refused_is_named_at_once(service: Service, caller: Caller) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await change(
            service, caller, "ada@example.com", given_name="\u202e", family_name="", display_name="x" * 101,
            phone_number="1", locale="english", zoneinfo="Mars/Olympus",
        )  # fmt: skip

    assert {violation.field: violation.code for violation in refusal.value.violations} == {
        "username": "invalid_username",
        "given_name": "invalid_name",
        "family_name": "invalid_name",
        "display_name": "invalid_name",
        "phone_number": "invalid_phone_number",
        "locale": "invalid_locale",
        "zoneinfo": "invalid_zoneinfo",
    }
    assert service.world.store.round_trips == 0


async def test_one_change_too_many_says_when(service: Service, caller: Caller) -> None:
    began = service.world.store.clock.now()
    for name in ("one", "two", "three"):
        await change(service, caller, name)
    events = await service.world.events()
    service.world.store.round_trips = 0
    with pytest.raises(InvalidInput) as refusal:
        await change(service, caller, "four", given_name="Eve")

    [violation] = refusal.value.violations
    assert (violation.field, violation.code) == ("username", "username_changed_too_often")
    assert f"again at {began + timedelta(days=30, seconds=1):%Y-%m-%dT%H:%M:%SZ}" in violation.detail
    assert service.world.store.round_trips == 2
    assert await service.world.events() == events
    assert (await service.view_profile(caller)).profile.given_name == "Ada"


async def test_a_name_that_was_given_up_is_refused_like_one_that_is_taken(service: Service, caller: Caller) -> None:
    await service.sign_up(email="bob@example.com", username="bob")
    bob = caller_of(await service.sign_in("bob"))
    await change(service, caller, "lady.ada")
    refusals = []
    for name in ("lady.ada", "ada"):
        with pytest.raises(UsernameTaken) as refusal:
            await change(service, bob, name)
        refusals.append((type(refusal.value), refusal.value.detail, refusal.value.violations))
        with pytest.raises(UsernameTaken) as refusal:
            await service.sign_up(email="eve@example.com", username=name)
        refusals.append((type(refusal.value), refusal.value.detail, ()))

    assert refusals[0] == refusals[2]
    assert refusals[1] == refusals[3]


async def test_two_changes_at_once_lose_nothing(service: Service, caller: Caller) -> None:
    await asyncio.gather(
        change(service, caller, given_name="Augusta"),
        change(service, caller, locale="fr"),
        change(service, caller, "ada2"),
    )

    user = await service.view_profile(caller)
    assert (user.profile.given_name, user.profile.locale, user.username.original) == ("Augusta", "fr", "ada2")
