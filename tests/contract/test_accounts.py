"""Registering and finding accounts."""

import asyncio
from dataclasses import replace

import pytest

from application.origin import NOWHERE
from domain.accounts.errors import EmailTaken, IdentifierTaken, UsernameTaken
from domain.accounts.identifiers import Identifier, Username
from domain.accounts.user import UserStatus
from tests.support.builders import (
    Account,
    add,
    attempt_by_email,
    credential_of,
    fresh_name,
    open_registration,
    registered,
    user_named,
)
from tests.support.fakes import TODAY, parse_email
from tests.support.world import World


def newcomer(name: str, *, email: str | None = None) -> Account:
    user = user_named(name, email=email)
    return Account(user, credential_of(user))


def taken_fields(refusal: IdentifierTaken | None) -> list[str]:
    return [violation.field for violation in refusal.violations] if refusal else []


@pytest.mark.parametrize(
    "identifier",
    [
        Username.parse("Ada.Lovelace"),
        Username.parse("ADA.LOVELACE"),
        Username.parse("ada.lovelace"),
        parse_email("Ada@Example.com"),
        parse_email("ADA@EXAMPLE.COM"),
        parse_email("ada@example.com"),
    ],
    ids=str,
)
async def test_an_account_is_found_by_either_identifier_in_any_case(world: World, identifier: Identifier) -> None:
    await registered(world)
    ada = await registered(world, "Ada.Lovelace", email="Ada@Example.com")

    attempt = await world.attempts.open(identifier, identifier.original, NOWHERE)

    assert attempt.user == ada.user
    assert attempt.credential == ada.credential


@pytest.mark.parametrize("identifier", [Username.parse("nobody"), parse_email("nobody@example.com"), None], ids=str)
async def test_an_unknown_identifier_finds_nobody(world: World, identifier: Identifier | None) -> None:
    await registered(world)

    attempt = await world.attempts.open(identifier, "whatever was typed", NOWHERE)

    assert (attempt.user, attempt.credential) == (None, None)


async def test_a_disabled_account_is_found_and_says_so(world: World) -> None:
    ada = await registered(world)
    await world.disable(ada.user.id)

    attempt = await attempt_by_email(world, ada)

    assert attempt.user is not None
    assert attempt.user.status is UserStatus.DISABLED


async def test_an_account_is_stored_whole(world: World) -> None:
    ada = await registered(world, "Ada")

    attempt = await attempt_by_email(world, ada)

    assert attempt.user is not None
    assert attempt.user.profile == ada.user.profile
    assert attempt.user.email.original == "Ada@Example.COM"
    assert attempt.user.email_verified is False
    assert (attempt.user.created_at, attempt.user.updated_at) == (ada.user.created_at, ada.user.updated_at)


@pytest.mark.parametrize(
    ("name", "email", "fields", "refusal"),
    [
        ("bob", "bob@example.com", [], None),
        ("bob", "ADA@example.COM", ["email"], EmailTaken),
        ("ADA", "bob@example.com", ["username"], UsernameTaken),
        ("aDa", "adA@Example.com", ["email", "username"], EmailTaken),
    ],
)
async def test_what_is_taken_is_named(
    world: World, name: str, email: str, fields: list[str], refusal: type[IdentifierTaken] | None
) -> None:
    await registered(world, "Ada", email="Ada@example.com")
    bob = user_named(name, email=email)

    opened = await open_registration(world, bob)
    looked_up = await world.registrations.taken(bob.email, bob.username)

    assert taken_fields(opened.taken) == taken_fields(looked_up) == fields
    assert (None if opened.taken is None else type(opened.taken)) is refusal


async def test_identifiers_of_two_accounts_are_both_named(world: World) -> None:
    await registered(world, "Ada", email="ada@example.com")
    await registered(world, "Bob", email="bob@example.com")
    wanted = user_named("bob", email="ada@example.com")

    assert taken_fields((await open_registration(world, wanted)).taken) == ["email", "username"]


async def test_a_disabled_account_keeps_its_identifiers(world: World) -> None:
    ada = await registered(world, "Ada", email="ada@example.com")
    await world.disable(ada.user.id)

    opened = await open_registration(world, user_named("Ada", email="ada@example.com"))

    assert taken_fields(opened.taken) == ["email", "username"]


@pytest.mark.parametrize(
    ("name", "email"), [("ADA", "bob@example.com"), ("bob", "ADA@example.com"), ("ADA", "ADA@example.com")]
)
async def test_a_taken_identifier_is_refused_at_the_commit_and_nothing_is_written(
    world: World, name: str, email: str
) -> None:
    await registered(world, "ada", email="ada@example.com")
    events = await world.events()
    bob = newcomer(name, email=email)

    with pytest.raises(IdentifierTaken):
        await add(world, bob)

    assert await world.events() == events
    found = await world.attempts.open(bob.user.username, name, NOWHERE)
    assert found.user != bob.user


async def test_s12_x13_of_sixteen_sign_ups_at_once_for_one_identity_one_wins(world: World) -> None:
    rivals = [newcomer("Ada", email="ada@example.com") for _ in range(16)]

    results = await asyncio.gather(*(add(world, rival) for rival in rivals), return_exceptions=True)

    assert results.count(None) == 1
    assert sum(isinstance(result, IdentifierTaken) for result in results) == 15
    winner = rivals[results.index(None)]
    attempt = await attempt_by_email(world, winner)
    assert attempt.user is not None
    assert attempt.user.id == winner.user.id
    assert [event.user_id for event in await world.events()] == [winner.user.id]


async def test_a_better_hash_replaces_the_old_one_and_keeps_the_version(world: World) -> None:
    ada = await registered(world)
    work = world.unit_of_work(NOWHERE)
    work.credentials.rehash(ada.credential, TODAY + "better")
    await work.commit()

    attempt = await attempt_by_email(world, ada)

    assert attempt.credential == replace(ada.credential, password_hash=TODAY + "better")


async def test_l11_a_better_hash_of_a_password_that_was_changed_meanwhile_is_dropped(world: World) -> None:
    ada = await registered(world)
    await world.change_password_version(ada.user.id)
    work = world.unit_of_work(NOWHERE)
    work.credentials.rehash(ada.credential, TODAY + "better")
    await work.commit()

    attempt = await attempt_by_email(world, ada)

    assert attempt.credential == replace(ada.credential, version=2)


async def test_a_password_is_changed_for_its_owner_only(world: World) -> None:
    ada, bob = await registered(world), await registered(world, fresh_name())
    await world.change_password_version(ada.user.id)

    attempt = await attempt_by_email(world, bob)

    assert attempt.credential == bob.credential


async def test_a_released_username_is_nobodys_any_more(world: World) -> None:
    ada = await registered(world, "Ada", email="ada@example.com")
    work = world.unit_of_work(NOWHERE)
    work.accounts.release_username(ada.user)
    await work.commit()
    late = newcomer("aDA", email="late@example.com")

    opened = await open_registration(world, late.user)
    looked_up = await world.registrations.taken(late.user.email, late.user.username)

    assert taken_fields(opened.taken) == taken_fields(looked_up) == ["username"]
    with pytest.raises(UsernameTaken):
        await add(world, late)
