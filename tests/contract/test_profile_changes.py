"""Changing what an account says of its owner, and its username, which stays theirs when they give it up."""

import asyncio
from datetime import timedelta

import pytest

from application.origin import NOWHERE
from domain.accounts.errors import UsernameTaken
from domain.accounts.identifiers import Username
from domain.accounts.profile import Profile
from domain.accounts.profile_change import ProfileChange
from domain.accounts.user import User
from domain.errors import InvalidValue
from domain.sessions.errors import InvalidAccessToken
from tests.support.builders import (
    Account,
    Device,
    add,
    attempt_by_email,
    credential_of,
    fresh_name,
    new_id,
    open_registration,
    registered,
    signed_in,
    user_named,
)
from tests.support.world import World

A_MONTH = timedelta(days=30)
A_MOMENT = timedelta(minutes=1)


async def change(world: World, account: Account, username: str | None = None, **profile: str | None) -> None:
    work = world.unit_of_work(NOWHERE)
    name = Username.parse(username) if username else None
    work.accounts.change_profile(account.user.id, ProfileChange(username=name, profile=profile))
    await work.commit()


async def stored(world: World, account: Account) -> User:
    user = (await attempt_by_email(world, account)).user
    assert user is not None
    return user


async def is_free(world: World, name: str) -> bool:
    """At all three places where a sign-up meets it, which must agree."""
    user = user_named(name, email=f"{fresh_name()}@example.com")
    opened = (await open_registration(world, user)).taken is None
    looked_up = await world.registrations.taken(user.email, user.username) is None
    try:
        await add(world, Account(user, credential_of(user)))
    except UsernameTaken:
        added = False
    else:
        added = True
    assert opened == looked_up == added
    return added


def is_too_often(result: BaseException | None) -> bool:
    return isinstance(result, InvalidValue) and result.reason == "username_changed_too_often"


async def test_fields_that_are_given_change_and_others_stay(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    await world.advance(A_MOMENT)
    await change(world, ada, family_name="Lovelace", zoneinfo=None)

    after = await stored(world, ada)
    assert after.profile == Profile(given_name="Ada", family_name="Lovelace")
    assert (after.username, after.email, after.status) == (ada.user.username, ada.user.email, ada.user.status)
    assert after.updated_at > after.created_at
    assert (await stored(world, bob)).profile == bob.user.profile


async def test_every_field_can_be_set_and_cleared(world: World) -> None:
    ada = await registered(world)
    whole = {
        "given_name": "A", "family_name": "\"L'\\ovelace", "display_name": "{}", "phone_number": "+442079460123",
        "locale": "en-GB", "zoneinfo": "UTC",
    }  # fmt: skip
    await change(world, ada, **whole)
    assert (await stored(world, ada)).profile == Profile(**whole)

    await change(world, ada, **dict.fromkeys(whole))
    assert (await stored(world, ada)).profile == Profile()


async def test_changes_of_different_fields_at_once_lose_nothing(world: World) -> None:
    ada = await registered(world)
    fields = {"given_name": "A", "family_name": "B", "display_name": "C", "phone_number": "+442079460123",
              "locale": "fr", "zoneinfo": "UTC"}  # fmt: skip
    await asyncio.gather(
        *(change(world, ada, **{name: value}) for name, value in fields.items()), change(world, ada, "lady.ada")
    )

    after = await stored(world, ada)
    assert after.profile == Profile(**fields)
    assert after.username.original == "lady.ada"


async def test_an_account_that_is_gone_is_not_changed(world: World) -> None:
    nobody = user_named(fresh_name())
    for username in (None, "nobody"):
        with pytest.raises((InvalidAccessToken, InvalidValue)):
            await change(world, Account(nobody, credential_of(nobody)), username, given_name="Nobody")


async def test_a_new_name_is_found_and_the_old_one_is_not(world: World) -> None:
    ada = await registered(world, "Ada")
    await change(world, ada, "Lady.Ada")

    found = await world.attempts.open(Username.parse("lady.ADA"), "lady.ADA", NOWHERE)
    assert found.user is not None
    assert found.user.username == Username("Lady.Ada", "lady.ada")
    assert (await world.attempts.open(Username.parse("ada"), "ada", NOWHERE)).user is None


async def test_a_name_that_is_given_up_is_nobody_elses(world: World) -> None:
    ada, bob = await registered(world, "Ada"), await registered(world, "Bob")
    await change(world, ada, "Lady.Ada")

    assert not await is_free(world, "aDA")
    assert not await is_free(world, "lady.ada")
    with pytest.raises(UsernameTaken):
        await change(world, bob, "ADA")
    assert (await stored(world, bob)).username.canonical == "bob"


async def test_its_former_owner_may_take_it_back(world: World) -> None:
    ada = await registered(world, "Ada")
    await change(world, ada, "Lady.Ada")
    await change(world, ada, "ada")

    assert (await stored(world, ada)).username == Username("ada", "ada")
    assert not await is_free(world, "lady.ada")


async def test_a_name_that_is_taken_changes_nothing(world: World) -> None:
    ada, _ = await registered(world), await registered(world, "Bob")
    before = await stored(world, ada)
    with pytest.raises(UsernameTaken):
        await change(world, ada, "BOB", given_name="Eve")

    assert await stored(world, ada) == before
    await change(world, ada, "a.free.name")


async def test_a_username_changes_three_times_in_thirty_days(world: World) -> None:
    ada = await registered(world)
    for number in range(3):
        assert await world.usernames.next_change(ada.user.id) is None
        await change(world, ada, f"name-{number}")
        await world.advance(timedelta(days=1))

    with pytest.raises(InvalidValue) as refusal:
        await change(world, ada, "name-3", given_name="Eve")
    assert is_too_often(refusal.value)
    assert (await stored(world, ada)).username.original == "name-2"
    assert (await stored(world, ada)).profile.given_name == "Ada"
    assert await is_free(world, "name-3")

    await world.advance(timedelta(days=27) - A_MOMENT)
    with pytest.raises(InvalidValue):
        await change(world, ada, "name-4")
    await world.advance(2 * A_MOMENT)
    await change(world, ada, "name-5")
    with pytest.raises(InvalidValue):
        await change(world, ada, "name-6")


async def test_it_is_told_when_a_username_can_change_again(world: World) -> None:
    ada = await registered(world)
    for number in range(3):
        await change(world, ada, f"name-{number}")
        await world.advance(timedelta(days=1))
    now = (await attempt_by_email(world, ada)).now

    again = await world.usernames.next_change(ada.user.id)

    assert again is not None
    assert abs(again - now - timedelta(days=27)) < A_MOMENT
    assert await world.usernames.next_change(new_id()) is None


async def test_another_spelling_of_the_same_name_is_no_change(world: World) -> None:
    ada = await registered(world, "Ada")
    for name in ("ada", "ADA", "aDa", "Ada", "adA"):
        await change(world, ada, name)
        assert (await stored(world, ada)).username.original == name
    for name in ("one", "two", "three"):
        await change(world, ada, name)
    await change(world, ada, "THREE")

    assert (await stored(world, ada)).username == Username("THREE", "three")


async def test_other_fields_change_as_often_as_one_likes(world: World) -> None:
    ada = await registered(world)
    for number in range(6):
        await change(world, ada, given_name=f"Ada {number}")

    assert (await stored(world, ada)).profile.given_name == "Ada 5"
    assert await world.usernames.next_change(ada.user.id) is None


async def test_of_eight_who_want_one_name_at_once_one_gets_it(world: World) -> None:
    people = [await registered(world) for _ in range(8)]
    results = await asyncio.gather(*(change(world, person, "Free") for person in people), return_exceptions=True)

    assert results.count(None) == 1
    assert sum(isinstance(result, UsernameTaken) for result in results) == 7
    names = [(await stored(world, person)).username.canonical for person in people]
    assert names.count("free") == 1
    assert names[results.index(None)] == "free"


async def test_of_many_changes_at_once_by_one_person_three_are_done(world: World) -> None:
    ada = await registered(world)
    names = [f"name-{number}" for number in range(8)]
    results = await asyncio.gather(*(change(world, ada, name) for name in names), return_exceptions=True)

    assert results.count(None) == 3
    assert sum(map(is_too_often, filter(None, results))) == 5
    for name, result in zip(names, results, strict=True):
        assert await is_free(world, name) == (result is not None)


async def test_two_cannot_swap_names(world: World) -> None:
    ada, bob = await registered(world, "Ada"), await registered(world, "Bob")
    results = await asyncio.gather(change(world, ada, "Bob"), change(world, bob, "Ada"), return_exceptions=True)

    assert [type(result) for result in results] == [UsernameTaken] * 2
    assert ((await stored(world, ada)).username.original, (await stored(world, bob)).username.original) == (
        "Ada",
        "Bob",
    )


async def test_sign_ups_never_get_a_name_that_is_being_given_up(world: World) -> None:
    ada = await registered(world, "Ada")
    people = [user_named("ada", email=f"late{number}@example.com") for number in range(8)]
    results = await asyncio.gather(
        *(add(world, Account(user, credential_of(user))) for user in people[:4]),
        change(world, ada, "Lady.Ada"),
        *(add(world, Account(user, credential_of(user))) for user in people[4:]),
        return_exceptions=True,
    )

    assert results[4] is None
    assert [type(result) for result in (*results[:4], *results[5:])] == [UsernameTaken] * 8


async def test_nothing_changes_for_a_session_that_has_ended(world: World) -> None:
    ada = await registered(world)
    device: Device = await signed_in(world, ada)
    await world.disable(ada.user.id)
    before = await stored(world, ada)
    work = world.unit_of_work(NOWHERE)
    work.sessions.require_live(device.caller)
    work.accounts.change_profile(ada.user.id, ProfileChange(username=Username.parse("other"), profile={"locale": "de"}))
    with pytest.raises(InvalidAccessToken):
        await work.commit()

    assert await stored(world, ada) == before
    assert await is_free(world, "other")
