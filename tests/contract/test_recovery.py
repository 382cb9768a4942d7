"""The door of recovery by mail, and what proving an address does to an account."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from application.origin import NOWHERE
from domain.accounts.profile import Profile
from domain.errors import TooManyAttempts
from tests.support.builders import ADA, MALLORY, Account, registered
from tests.support.fakes import parse_email
from tests.support.world import RECOVERY_ACCOUNT, RECOVERY_SOURCE, World


async def test_the_account_of_an_address_is_found_in_any_case(world: World) -> None:
    ada = await registered(world, email="Ada@Example.com")

    request = await world.recovery_requests.open(parse_email("ada@EXAMPLE.com"), ADA)

    assert request.user_id == ada.user.id


async def test_an_address_nobody_has_is_answered_alike(world: World) -> None:
    ada = await registered(world)
    known = await world.recovery_requests.open(ada.email, ADA)
    unknown = await world.recovery_requests.open(parse_email("nobody@example.com"), ADA)

    assert unknown.user_id is None
    assert len(unknown.identifier_digest) == len(known.identifier_digest)
    assert unknown.identifier_digest != known.identifier_digest


@pytest.mark.parametrize("is_known", [True, False])
async def test_an_address_is_limited_whether_or_not_somebody_has_it(world: World, is_known: bool) -> None:
    email = (await registered(world)).email if is_known else parse_email("nobody@example.com")
    limit = world.limits[RECOVERY_ACCOUNT]
    for _ in range(limit.burst):
        await world.recovery_requests.open(email, NOWHERE)

    with pytest.raises(TooManyAttempts):
        await world.recovery_requests.open(email, NOWHERE)
    await world.advance(limit.interval)
    await world.recovery_requests.open(email, NOWHERE)


async def test_a_source_is_limited_over_all_addresses(world: World) -> None:
    for number in range(world.limits[RECOVERY_SOURCE].burst):
        await world.recovery_requests.open(parse_email(f"person-{number}@example.com"), MALLORY)

    with pytest.raises(TooManyAttempts):
        await world.recovery_requests.open(parse_email("one-more@example.com"), MALLORY)
    await world.recovery_requests.open(parse_email("one-more@example.com"), ADA)


async def test_d06_l06_a_flood_from_one_source_leaves_an_address_its_requests(world: World) -> None:
    """L06."""
    ada = await registered(world)
    for number in range(world.limits[RECOVERY_SOURCE].burst):
        await world.recovery_requests.open(parse_email(f"person-{number}@example.com"), MALLORY)
    for _ in range(world.limits[RECOVERY_ACCOUNT].burst):
        with pytest.raises(TooManyAttempts):
            await world.recovery_requests.open(ada.email, MALLORY)

    await world.recovery_requests.open(ada.email, ADA)


async def test_requests_at_once_are_all_counted(world: World) -> None:
    outcomes = await asyncio.gather(
        *(world.recovery_requests.open(parse_email("nobody@example.com"), NOWHERE) for _ in range(20)),
        return_exceptions=True,
    )

    admitted = [each for each in outcomes if not isinstance(each, BaseException)]
    assert len(admitted) == world.limits[RECOVERY_ACCOUNT].burst


async def found(world: World, account: Account) -> Account:
    user = await world.directory.find(account.user.id)
    assert user is not None
    return replace(account, user=user)


async def test_a_proven_address_leaves_the_rest_as_it_was(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    work = world.unit_of_work(NOWHERE)
    work.accounts.prove_email(ada.user.id)
    await work.commit()

    user = (await found(world, ada)).user
    assert replace(user, updated_at=ada.user.updated_at) == replace(ada.user, email_verified=True)
    assert user.updated_at >= ada.user.updated_at
    assert not (await found(world, bob)).user.email_verified


async def test_s16_an_account_that_is_handed_over_keeps_its_identifiers_alone(world: World) -> None:
    ada = await registered(world)
    await world.advance(timedelta(days=1))
    work = world.unit_of_work(NOWHERE)
    work.accounts.prove_email(ada.user.id, keep_profile=False)
    await work.commit()

    user = (await found(world, ada)).user
    assert (user.email, user.username, user.email_verified) == (ada.user.email, ada.user.username, True)
    assert (user.profile, user.photo_id) == (Profile(), None)
