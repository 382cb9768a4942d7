"""Signing up."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import starmap
from uuid import UUID

import pytest

from application.accounts.ports import IDEMPOTENCY_KEY_LEASE
from domain.accounts.errors import (
    EmailTaken,
    IdempotencyKeyReused,
    IdentifierTaken,
    RegisteredAccountDeleted,
    RequestInProgress,
    SignupClosed,
    UsernameTaken,
)
from domain.accounts.profile import Profile
from domain.accounts.signup_policy import CLOSED, SignupPolicy
from domain.accounts.user import User, UserStatus
from domain.credentials.password import Weakness
from domain.errors import InvalidInput, Overloaded, ServiceUnavailable, TooManyAttempts
from tests.support.builders import ADA
from tests.support.fakes import TODAY
from tests.support.memory_rows import Rows
from tests.support.photos import picture
from tests.support.service import PASSWORD, Service, registration
from tests.support.world import SIGN_UP_ACCOUNT, SIGN_UP_SOURCE

PHOTO = picture()


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


async def test_s03_a_weak_password_is_refused_with_its_reason(service: Service) -> None:
    """S03."""
    service.estimator.weak[PASSWORD] = Weakness.DERIVED

    with pytest.raises(InvalidInput) as refusal:
        await service.sign_up()

    assert [(violation.field, violation.code) for violation in refusal.value.violations] == [
        ("password", "password_derived")
    ]
    assert (service.world.store.round_trips, service.hasher.hashed) == (0, [])


async def test_s03_a_published_password_is_refused_for_that_reason(service: Service) -> None:
    service.breached.published.add(PASSWORD)

    with pytest.raises(InvalidInput) as refusal:
        await service.sign_up()

    assert [(each.field, each.code) for each in refusal.value.violations] == [("password", "password_breached")]
    assert (service.world.store.round_trips, service.hasher.hashed) == (0, [])


async def test_s03_a_password_is_judged_beside_the_names_of_its_owner(service: Service) -> None:
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
async def test_d01_s14_a_limited_sign_up_is_refused_before_anything_is_hashed(service: Service, rule: str) -> None:
    """S14, D01."""
    await service.sign_up()
    for number in range(service.world.limits[rule].burst - 1):
        with pytest.raises(IdentifierTaken):
            await service.sign_up(email=f"ada@{number}.example" if rule == SIGN_UP_SOURCE else "ada@example.com")
    service.hasher.hashed.clear()

    with pytest.raises(TooManyAttempts):
        await service.sign_up(username="somebody")

    assert service.hasher.hashed == []


async def test_s12_whoever_is_overtaken_while_hashing_is_told_all_that_is_taken_by_then(service: Service) -> None:
    """S12."""

    async def two_others_sign_up() -> None:
        elsewhere = service.in_another_process
        await elsewhere.sign_up(email="ada@example.com", username="first")
        await elsewhere.sign_up(email="second@example.com", username="ada")

    service.hasher.meanwhile = two_others_sign_up
    with pytest.raises(EmailTaken) as refusal:
        await service.sign_up()

    assert [violation.field for violation in refusal.value.violations] == ["email", "username"]
    assert {user.username.canonical for user in service.world.store.rows.users.values()} == {"first", "ada"}
    assert await service.event_types() == ["user.registered"] * 2


async def test_of_sixteen_at_once_one_gets_the_account(service: Service) -> None:
    """Each in a process of its own, so that nobody knows of the others."""
    services = [service.in_another_process for _ in range(16)]

    assert await sign_up_at_once(services) == [True] + [False] * 15
    assert len(service.world.store.rows.users) == len(service.world.store.rows.credentials) == 1
    assert len(service.hasher.hashed) == 16


async def test_d01_of_sixteen_at_once_in_one_process_one_is_hashed(service: Service) -> None:
    """D01: or they would fill the queue of the hasher, for one account."""
    service.hasher.meanwhile = partial(until_waiting, service, 15)

    assert await sign_up_at_once([service] * 16) == [True] + [False] * 15
    assert len(service.world.store.rows.users) == 1
    assert len(service.hasher.hashed) == 1


async def test_whoever_waited_for_one_that_failed_goes_on(service: Service) -> None:
    async def overloaded_once() -> None:
        await until_waiting(service, 3)
        raise Overloaded(retry_after=1)

    service.hasher.meanwhile = overloaded_once
    sign_ups = [service.sign_up(key=f"{number}", username=f"ada{number}") for number in range(4)]
    results = await asyncio.gather(*sign_ups, return_exceptions=True)

    assert [type(result) for result in results] == [Overloaded, User, EmailTaken, EmailTaken]
    assert len(service.hasher.hashed) == 2
    assert len(service.world.store.rows.keys) == 1, "who was refused may use the key again"


async def until_waiting(service: Service, number: int) -> None:
    for _ in range(1000):
        if service.turns.waiting == number:
            return
        await asyncio.sleep(0)
    pytest.fail(f"{service.turns.waiting} wait, and not {number}")


async def sign_up_at_once(services: Sequence[Service]) -> list[bool]:
    """For one username; who got it, the lucky ones first."""

    async def sign_up(number: int, service: Service) -> bool:
        try:
            await service.sign_up(email=f"ada{number}@example.com")
        except UsernameTaken:
            return False
        return True

    return sorted(await asyncio.gather(*starmap(sign_up, enumerate(services))), reverse=True)


async def test_nothing_is_written_when_the_hasher_is_overloaded(service: Service) -> None:
    service.hasher.overloaded = True

    with pytest.raises(Overloaded):
        await service.sign_up()

    assert_nobody_signed_up(service.world.store.rows)


async def test_x01_nothing_is_acknowledged_when_the_store_goes_away(service: Service) -> None:
    """X01."""

    async def store_goes_away() -> None:
        service.world.store.is_away = True

    service.hasher.meanwhile = store_goes_away
    with pytest.raises(ServiceUnavailable):
        await service.sign_up()

    assert_nobody_signed_up(service.world.store.rows)


async def test_a_repeat_is_answered_as_the_first_time_and_does_nothing(service: Service) -> None:
    user = await service.sign_up(key="1", given_name="Ada")
    service.hasher.hashed.clear()
    before = service.world.store.round_trips

    assert await service.sign_up(key="1", given_name="Ada") == user

    assert (service.hasher.hashed, service.world.store.round_trips - before) == ([], 2)
    assert await service.event_types() == ["user.registered"]


async def test_a_sign_up_with_a_key_takes_two_round_trips_as_well(service: Service) -> None:
    await service.sign_up(key="1")

    assert service.world.store.round_trips == 2


async def test_s16_a_repeat_does_not_show_what_became_of_the_account(service: Service) -> None:
    """S16: who signed up in the name of another may know the request, and not what the owner made of it."""
    first = await service.sign_up(key="1")
    users = service.world.store.rows.users
    profile = Profile(given_name="Ada", phone_number="+442079460123")
    later = first.updated_at + timedelta(seconds=1)
    users[first.id] = replace(first, email_verified=True, profile=profile, photo_id="secret", updated_at=later)

    assert await service.sign_up(key="1") == first


async def test_a_repeat_after_the_account_was_deleted_makes_no_new_one(service: Service) -> None:
    user = await service.sign_up(key="1")
    service.world.store.rows.users.clear()

    with pytest.raises(RegisteredAccountDeleted):
        await service.sign_up(key="1")

    assert user.id not in service.world.store.rows.users


@pytest.mark.parametrize(
    "changes",
    [{"email": "eve@example.com"}, {"username": "eve"}, {"password": "another one of ada"}, {"given_name": "Ada"}],
)
async def test_another_body_under_the_same_key_is_refused(service: Service, changes: dict[str, str | None]) -> None:
    await service.sign_up(key="1")

    with pytest.raises(IdempotencyKeyReused):
        await service.sign_up(key="1", **changes)

    assert len(service.world.store.rows.users) == 1


async def test_what_is_left_out_and_what_is_nothing_are_the_same(service: Service) -> None:
    user = await service.sign_up(key="1")

    assert await service.sign_up(key="1", given_name=None, locale=None) == user


async def test_a_repeat_that_overtakes_the_first_is_told_to_wait(service: Service) -> None:
    refusals: list[BaseException] = []

    async def repeat() -> None:
        refusals.extend(await asyncio.gather(service.sign_up(key="1"), return_exceptions=True))  # type: ignore[arg-type]

    service.hasher.meanwhile = repeat
    await service.sign_up(key="1")

    assert [type(refusal) for refusal in refusals] == [RequestInProgress]


async def test_a_refusal_leaves_the_key_to_a_corrected_body(service: Service) -> None:
    await service.sign_up()

    with pytest.raises(IdentifierTaken):
        await service.sign_up(key="1")

    assert (await service.sign_up(key="1", username="grace", email="grace@example.com")).username.original == "grace"


async def test_whoever_is_overtaken_by_a_stranger_may_use_the_key_again(service: Service) -> None:
    async def somebody_else_signs_up() -> None:
        await service.in_another_process.sign_up(email="other@example.com")

    service.hasher.meanwhile = somebody_else_signs_up
    with pytest.raises(UsernameTaken):
        await service.sign_up(key="1")

    await service.sign_up(key="1", username="grace")


async def test_an_overloaded_sign_up_can_be_sent_again_at_once(service: Service) -> None:
    service.hasher.overloaded = True
    with pytest.raises(Overloaded):
        await service.sign_up(key="1")
    service.hasher.overloaded = False

    await service.sign_up(key="1")


async def test_where_the_store_goes_away_the_refusal_is_its_own(service: Service) -> None:
    async def store_goes_away() -> None:
        service.world.store.is_away = True

    service.hasher.meanwhile = store_goes_away
    with pytest.raises(ServiceUnavailable):
        await service.sign_up(key="1")
    service.world.store.is_away = False

    with pytest.raises(RequestInProgress):
        await service.sign_up(key="1")
    await service.world.advance(IDEMPOTENCY_KEY_LEASE)
    await service.sign_up(key="1")


async def test_a_photo_is_the_accounts_from_the_first_moment(service: Service) -> None:
    user = await service.sign_up(photo=PHOTO)

    assert service.world.store.rows.users[user.id] == user
    assert user.photo_id is not None
    assert service.photo_store.photo_ids == {user.photo_id}
    assert service.world.store.rows.unowned_photos == {}
    assert service.world.store.round_trips == 3, "the name of the photo goes onto the ledger before its files are there"


async def test_what_does_not_begin_like_a_picture_is_named_with_the_other_fields(service: Service) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await service.sign_up(email="ada", photo=b"<svg/>")

    assert [(each.field, each.code) for each in refusal.value.violations] == [
        ("email", "invalid_email"),
        ("photo", "invalid_photo"),
    ]
    assert service.world.store.round_trips == 0


async def test_s13_a_bad_photo_refuses_the_whole_sign_up(service: Service) -> None:
    """S13."""
    with pytest.raises(InvalidInput) as refusal:
        await service.sign_up(photo=PHOTO[:40], key="1")

    assert [(each.field, each.code) for each in refusal.value.violations] == [("photo", "invalid_photo")]
    assert_nobody_signed_up(service.world.store.rows)
    assert (service.hasher.hashed, service.photo_store.photo_ids, service.world.store.rows.unowned_photos) == (
        [],
        set(),
        {},
    )
    assert (await service.sign_up(photo=PHOTO, key="1")).photo_id, "the key is free for a better photo"


async def test_a_photo_is_not_looked_at_for_a_name_that_is_taken(service: Service) -> None:
    await service.sign_up()
    service.photo_renderer.overloaded = True

    with pytest.raises(IdentifierTaken):
        await service.sign_up(photo=PHOTO)


async def test_a_photo_of_somebody_who_was_overtaken_is_left_to_the_sweep(service: Service) -> None:
    async def somebody_else_signs_up() -> None:
        await service.in_another_process.sign_up(email="other@example.com")

    service.hasher.meanwhile = somebody_else_signs_up
    with pytest.raises(UsernameTaken):
        await service.sign_up(photo=PHOTO)

    assert service.photo_store.photo_ids == set(service.world.store.rows.unowned_photos) != set()


async def test_a_repeat_brings_the_same_photo_as_long_as_it_is_the_accounts(service: Service) -> None:
    first = await service.sign_up(photo=PHOTO, key="1")

    assert await service.sign_up(photo=PHOTO, key="1") == first
    with pytest.raises(IdempotencyKeyReused):
        await service.sign_up(key="1")
    with pytest.raises(IdempotencyKeyReused):
        await service.sign_up(key="1", photo=picture(colour="red"))


async def test_refused_fields_claim_no_key(service: Service) -> None:
    with pytest.raises(InvalidInput):
        await service.sign_up(key="1", email="no address")

    assert service.world.store.rows.keys == {}


def assert_nobody_signed_up(rows: Rows) -> None:
    assert (rows.users, rows.credentials, rows.events) == ({}, {}, [])


def test_g02_a_registration_does_not_show_its_password() -> None:
    assert PASSWORD not in repr(registration())


async def test_an_account_and_its_password_begin_now(service: Service) -> None:
    await service.world.advance(timedelta(hours=1))

    user = await service.sign_up(key="1")

    rows, now = service.world.store.rows, service.world.store.clock.now()
    credential = rows.credentials[user.id]
    assert user.created_at == credential.created_at == now
    assert credential.id != user.id
    assert {type(credential.id), type(rows.keys[b"1"].attempt)} == {UUID}
