"""Signing up."""

import asyncio
from dataclasses import replace

import pytest

from application.accounts.register_user import Registration
from domain.accounts.errors import EmailTaken, IdentifierTaken, SignupClosed, UsernameTaken
from domain.accounts.profile import Profile
from domain.accounts.signup_policy import CLOSED, SignupPolicy
from domain.accounts.user import UserStatus
from domain.credentials.password import Weakness
from domain.errors import InvalidInput, Overloaded, ServiceUnavailable, TooManyAttempts
from tests.support.builders import ADA
from tests.support.fakes import TODAY
from tests.support.memory_rows import Rows
from tests.support.service import PASSWORD, Service, registration
from tests.support.world import SIGN_UP_ACCOUNT, SIGN_UP_SOURCE


async def test_a_person_who_signs_up_has_an_account(service: Service) -> None:
    user = await service.sign_up(
        given_name="Ada", family_name="Lovelace", display_name="Countess", phone_number="+442079460123",
        locale="EN-gb", zoneinfo="Europe/Paris",
    )  # fmt: skip

    assert service.world.store.rows.users == {user.id: user}
    assert (user.email.original, user.email.canonical) == ("Ada@Example.com", "ada@example.com")
    assert (user.username.original, user.username.canonical) == ("Ada", "ada")
    assert user.profile == Profile(
        given_name="Ada", family_name="Lovelace", display_name="Countess", phone_number="+442079460123",
        locale="en-GB", zoneinfo="Europe/Paris",
    )  # fmt: skip
    assert (user.status, user.email_verified) == (UserStatus.ACTIVE, False)
    assert user.created_at == service.world.store.clock.now()


async def test_what_is_optional_may_be_left_out(service: Service) -> None:
    assert (await service.sign_up()).profile == Profile()


async def test_the_password_is_kept_hashed_as_the_first_version(service: Service) -> None:
    user = await service.sign_up()

    credential = service.world.store.rows.credentials[user.id]
    assert (credential.user_id, credential.password_hash, credential.version) == (user.id, TODAY + PASSWORD, 1)
    assert credential.id != user.id


async def test_signing_up_is_recorded_with_its_origin(service: Service) -> None:
    user = await service.sign_up()

    [event] = await service.world.events()
    assert (event.type, event.user_id, event.origin, event.data) == ("user.registered", user.id, ADA, {})


async def test_signing_up_takes_two_round_trips(service: Service) -> None:
    await service.sign_up()

    assert service.world.store.round_trips == 2


async def test_whoever_signed_up_can_sign_in(service: Service) -> None:
    user = await service.sign_up()

    assert (await service.sign_in()).user == user


async def test_every_field_that_is_refused_is_named_at_once(service: Service) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await service.sign_up(
            email="ada", username="ada@example.com", password="short", given_name="\u202e", family_name=" ",
            display_name="x" * 101, phone_number="1", locale="english", zoneinfo="Mars/Olympus",
        )  # fmt: skip

    assert {violation.field: violation.code for violation in refusal.value.violations} == {
        "email": "invalid_email",
        "username": "invalid_username",
        "password": "password_too_short",
        "given_name": "invalid_name",
        "family_name": "invalid_name",
        "display_name": "invalid_name",
        "phone_number": "invalid_phone_number",
        "locale": "invalid_locale",
        "zoneinfo": "invalid_zoneinfo",
    }
    assert (service.world.store.round_trips, service.hasher.hashed) == (0, [])


async def test_a_weak_password_is_refused_with_its_reason(service: Service) -> None:
    """S03."""
    service.estimator.weak[PASSWORD] = Weakness.DERIVED

    with pytest.raises(InvalidInput) as refusal:
        await service.sign_up()

    assert [(violation.field, violation.code) for violation in refusal.value.violations] == [
        ("password", "password_derived")
    ]
    assert (service.world.store.round_trips, service.hasher.hashed) == (0, [])


async def test_a_password_is_judged_beside_the_names_of_its_owner(service: Service) -> None:
    """S03: as typed, for they may be refused themselves."""
    await service.sign_up(given_name="Augusta", family_name="King", display_name="The Countess")

    assert service.estimator.own_words == [["Ada@Example.com", "Ada", "Ada", "Augusta", "King", "The Countess"]]


@pytest.mark.parametrize("signup", [CLOSED, SignupPolicy(frozenset({"example.org"}))])
async def test_a_sign_up_that_is_not_admitted_costs_nothing(service: Service, signup: SignupPolicy) -> None:
    with pytest.raises(SignupClosed):
        await replace(service, signup=signup).sign_up()

    assert (service.world.store.round_trips, service.hasher.hashed) == (0, [])


@pytest.mark.parametrize(
    ("changes", "refusal", "fields"),
    [
        ({"username": "Bob"}, EmailTaken, ["email"]),
        ({"email": "bob@example.com"}, UsernameTaken, ["username"]),
        ({"email": "ADA@example.COM", "username": "aDA"}, EmailTaken, ["email", "username"]),
    ],
)
async def test_a_taken_identifier_is_refused_before_anything_is_hashed(
    service: Service, changes: dict[str, str | None], refusal: type[IdentifierTaken], fields: list[str]
) -> None:
    await service.sign_up()
    service.hasher.hashed.clear()

    with pytest.raises(refusal) as taken:
        await service.sign_up(**changes)

    assert [violation.field for violation in taken.value.violations] == fields
    assert service.hasher.hashed == []
    assert len(service.world.store.rows.users) == 1
    assert await service.event_types() == ["user.registered"]


@pytest.mark.parametrize("rule", [SIGN_UP_ACCOUNT, SIGN_UP_SOURCE])
async def test_a_limited_sign_up_is_refused_before_anything_is_hashed(service: Service, rule: str) -> None:
    """S14, D01."""
    await service.sign_up()
    for number in range(service.world.limits[rule].burst - 1):
        with pytest.raises(IdentifierTaken):
            await service.sign_up(email=f"ada@{number}.example" if rule == SIGN_UP_SOURCE else "ada@example.com")
    service.hasher.hashed.clear()

    with pytest.raises(TooManyAttempts):
        await service.sign_up(username="somebody")

    assert service.hasher.hashed == []


async def test_whoever_is_overtaken_while_hashing_is_told_all_that_is_taken_by_then(service: Service) -> None:
    """S12."""

    async def two_others_sign_up() -> None:
        await service.sign_up(email="ada@example.com", username="first")
        await service.sign_up(email="second@example.com", username="ada")

    service.hasher.meanwhile = two_others_sign_up
    with pytest.raises(EmailTaken) as refusal:
        await service.sign_up()

    assert [violation.field for violation in refusal.value.violations] == ["email", "username"]
    assert {user.username.canonical for user in service.world.store.rows.users.values()} == {"first", "ada"}
    assert await service.event_types() == ["user.registered"] * 2


async def test_of_sixteen_at_once_one_gets_the_account(service: Service) -> None:
    requests = [registration(email=f"ada{number}@example.com") for number in range(16)]

    async def sign_up(request: Registration) -> bool:
        try:
            await service.register_user(request, ADA)
        except UsernameTaken:
            return False
        return True

    assert sum(await asyncio.gather(*map(sign_up, requests))) == 1
    assert len(service.world.store.rows.users) == len(service.world.store.rows.credentials) == 1


async def test_nothing_is_written_when_the_hasher_is_overloaded(service: Service) -> None:
    service.hasher.overloaded = True

    with pytest.raises(Overloaded):
        await service.sign_up()

    assert_nobody_signed_up(service.world.store.rows)


async def test_nothing_is_acknowledged_when_the_store_goes_away(service: Service) -> None:
    """X01."""

    async def store_goes_away() -> None:
        service.world.store.is_away = True

    service.hasher.meanwhile = store_goes_away
    with pytest.raises(ServiceUnavailable):
        await service.sign_up()

    assert_nobody_signed_up(service.world.store.rows)


def assert_nobody_signed_up(rows: Rows) -> None:
    assert (rows.users, rows.credentials, rows.events) == ({}, {}, [])


def test_a_registration_does_not_show_its_password() -> None:
    """G02."""
    assert PASSWORD not in repr(registration())
