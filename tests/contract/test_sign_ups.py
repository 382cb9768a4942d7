"""Sign-ups that wait for their address: what they reserve, what confirms them, and what is left when they go."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from application.accounts.ports import KeyedRequest
from application.origin import NOWHERE
from application.recovery.ports import OneTimeToken
from domain.accounts.errors import EmailTaken, RequestInProgress, UsernameTaken, UserNotFound
from domain.accounts.pending_sign_up import SIGN_UP_LIFETIME, PendingSignUp
from domain.errors import InvalidInput
from domain.recovery.one_time_token import TokenPurpose
from tests.support.builders import ADA, NOON, fresh_name, new_id, open_registration, registered, user_named
from tests.support.fakes import TODAY, FakeOneTimeTokenCodec
from tests.support.world import World


@pytest.fixture
def codec() -> FakeOneTimeTokenCodec:
    return FakeOneTimeTokenCodec()


def sign_up_of(*, email: str | None = None, photo_id: str | None = None) -> PendingSignUp:
    user = user_named(fresh_name(), email=email)
    return PendingSignUp(
        id=user.id, email=user.email, username=user.username, profile=user.profile, password_hash=TODAY + "a password",
        photo_id=photo_id,
    )  # fmt: skip


async def waiting(world: World, sign_up: PendingSignUp) -> PendingSignUp:
    if sign_up.photo_id:
        await world.photos.announce(sign_up.photo_id)
    work = world.unit_of_work(ADA)
    work.sign_ups.add(sign_up)
    if sign_up.photo_id:
        work.photos.claim(sign_up.photo_id)
    await work.commit()
    return sign_up


async def issued(world: World, codec: FakeOneTimeTokenCodec, sign_up: PendingSignUp) -> OneTimeToken:
    token = codec.new(TokenPurpose.SIGN_UP).token
    work = world.unit_of_work(NOWHERE)
    work.sign_ups.issue(token, sign_up.id, SIGN_UP_LIFETIME)
    await work.commit()
    return token


async def confirm(world: World, token: OneTimeToken, sign_up: PendingSignUp) -> None:
    work = world.unit_of_work(NOWHERE)
    work.sign_ups.complete(token, sign_up.user(NOON), sign_up.credential(new_id(), NOON))
    await work.commit()


async def drop(world: World, token: OneTimeToken) -> None:
    work = world.unit_of_work(NOWHERE)
    work.sign_ups.drop(token)
    await work.commit()


async def username_is_free(world: World, sign_up: PendingSignUp) -> bool:
    user = replace(user_named(fresh_name()), username=sign_up.username)
    return (await open_registration(world, user)).taken is None


async def test_a_sign_up_waits_with_all_it_was_given(world: World) -> None:
    sign_up = await waiting(world, sign_up_of())

    found = await world.sign_ups.find(sign_up.id)
    assert found is not None
    assert (found.sign_up, found.owner) == (sign_up, None)
    assert await world.directory.find(sign_up.email) is None


async def test_an_address_that_is_taken_makes_no_difference_until_it_is_looked_up(world: World) -> None:
    ada = await registered(world)
    sign_up = await waiting(world, sign_up_of(email=ada.email.original))

    found = await world.sign_ups.find(sign_up.id)
    assert found is not None
    assert found.owner == ada.user
    token = await issued(world, FakeOneTimeTokenCodec(), sign_up)
    assert await world.sign_ups.redeemable(token) is None
    assert await world.sign_ups.waiting(token) == sign_up
    with pytest.raises(InvalidInput):
        await confirm(world, token, sign_up)
    assert await world.sign_ups.find(sign_up.id), "what was refused changed nothing"


@pytest.mark.parametrize("is_known", [True, False])
async def test_the_door_opens_whoever_has_the_address(world: World, is_known: bool) -> None:
    ada = await registered(world)
    user = user_named(fresh_name(), email=ada.email.original if is_known else None)

    opened = await world.registrations.open(user.email, user.username, NOWHERE, whoever_has_the_email=True)
    assert opened.taken is None
    taken = await world.registrations.open(user.email, ada.user.username, NOWHERE, whoever_has_the_email=True)
    assert type(taken.taken) is UsernameTaken
    assert [violation.field for violation in taken.taken.violations] == ["username"]


async def test_a_key_of_a_taken_address_is_claimed_and_answered_like_any(world: World) -> None:
    ada = await registered(world)
    sign_up = sign_up_of(email=ada.email.original)
    keyed = KeyedRequest(key="a key", content="all of it", attempt=new_id())

    async def opened(keyed: KeyedRequest) -> object:
        door = world.registrations
        return await door.open(sign_up.email, sign_up.username, NOWHERE, keyed, whoever_has_the_email=True)

    claim = (await world.registrations.open(
        sign_up.email, sign_up.username, NOWHERE, keyed, whoever_has_the_email=True
    )).claim  # fmt: skip
    assert claim is not None
    with pytest.raises(RequestInProgress):
        await opened(replace(keyed, attempt=new_id()))
    work = world.unit_of_work(NOWHERE)
    work.sign_ups.add(sign_up, claim)
    await work.commit()

    again = await world.registrations.open(
        sign_up.email, sign_up.username, NOWHERE, replace(keyed, attempt=new_id()), whoever_has_the_email=True
    )
    assert again.done_as == sign_up.id


async def test_its_username_is_nobody_elses_meanwhile(world: World) -> None:
    sign_up = await waiting(world, sign_up_of())

    assert not await username_is_free(world, sign_up)
    with pytest.raises(UsernameTaken):
        await waiting(world, replace(sign_up_of(), username=sign_up.username))
    with pytest.raises(UsernameTaken):
        await registered(world, sign_up.username.original)


async def test_confirming_makes_the_account(world: World, codec: FakeOneTimeTokenCodec) -> None:
    photo_id = "p" * 43
    sign_up = await waiting(world, sign_up_of(photo_id=photo_id))
    token = await issued(world, codec, sign_up)
    assert await world.sign_ups.redeemable(token) == sign_up

    await confirm(world, token, sign_up)

    assert await world.directory.find(sign_up.username) == sign_up.user(NOON)
    assert await world.photos.is_owned(photo_id)
    assert not await username_is_free(world, sign_up)
    assert await world.sign_ups.find(sign_up.id) is None
    with pytest.raises(InvalidInput) as refusal:
        await confirm(world, token, sign_up)
    assert [(each.field, each.code) for each in refusal.value.violations] == [("token", "invalid_token")]


async def test_an_account_that_came_of_a_sign_up_keeps_its_name_to_itself(
    world: World, codec: FakeOneTimeTokenCodec
) -> None:
    sign_up = await waiting(world, sign_up_of())
    await confirm(world, await issued(world, codec, sign_up), sign_up)
    with pytest.raises(EmailTaken):
        await registered(world, email=sign_up.email.original)


async def test_tokens_issued_again_are_as_good(world: World, codec: FakeOneTimeTokenCodec) -> None:
    """A mail that is sent again after a crash brings another."""
    sign_up = await waiting(world, sign_up_of())
    first, second = await issued(world, codec, sign_up), await issued(world, codec, sign_up)

    assert await world.sign_ups.redeemable(first) == sign_up
    await confirm(world, second, sign_up)
    assert await world.sign_ups.redeemable(first) is None


async def test_a_token_issued_again_is_one(world: World, codec: FakeOneTimeTokenCodec) -> None:
    """It is given its time anew: a mail that is tried again brings the same."""
    sign_up = await waiting(world, sign_up_of())
    first, token = await issued(world, codec, sign_up), codec.new(TokenPurpose.SIGN_UP).token
    for _ in range(3):
        await world.advance(SIGN_UP_LIFETIME / 2)
        work = world.unit_of_work(NOWHERE)
        work.sign_ups.issue(token, sign_up.id, SIGN_UP_LIFETIME)
        await work.commit()

    assert await world.sign_up_tokens(sign_up.id) == 2
    assert await world.sign_ups.redeemable(first) == await world.sign_ups.redeemable(token) == sign_up


async def test_of_many_with_one_address_one_is_confirmed(world: World, codec: FakeOneTimeTokenCodec) -> None:
    """At once, and each with its own token; then all others are good for nothing."""
    sign_ups = [await waiting(world, sign_up_of(email="one@example.com")) for _ in range(6)]
    tokens = [await issued(world, codec, sign_up) for sign_up in sign_ups]

    outcomes = await asyncio.gather(
        *(confirm(world, token, sign_up) for token, sign_up in zip(tokens, sign_ups, strict=True)),
        return_exceptions=True,
    )

    assert sum(outcome is None for outcome in outcomes) == 1
    assert {type(outcome) for outcome in outcomes if outcome is not None} == {InvalidInput}
    assert [await world.sign_ups.redeemable(token) for token in tokens] == [None] * 6


async def test_of_many_uses_of_one_token_one_succeeds(world: World, codec: FakeOneTimeTokenCodec) -> None:
    sign_up = await waiting(world, sign_up_of())
    token = await issued(world, codec, sign_up)

    outcomes = await asyncio.gather(
        *(confirm(world, token, sign_up) for _ in range(6)), drop(world, token), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert {type(outcome) for outcome in outcomes if outcome is not None} == {InvalidInput}


async def test_dropping_frees_the_name_and_the_photo(world: World, codec: FakeOneTimeTokenCodec) -> None:
    photo_id = "q" * 43
    sign_up = await waiting(world, sign_up_of(photo_id=photo_id))
    token = await issued(world, codec, sign_up)
    unowned = world.photos.unowned
    assert await unowned(for_longer_than=timedelta(seconds=-1), at_most=9) == [], "the sweep leaves it alone"

    assert await world.sign_ups.waiting(token) == sign_up
    await drop(world, token)

    assert await world.sign_ups.waiting(token) is None
    assert await username_is_free(world, sign_up)
    assert await unowned(for_longer_than=timedelta(seconds=-1), at_most=9) == [photo_id]
    with pytest.raises(InvalidInput):
        await drop(world, token)


async def test_a_sign_up_expires(world: World, codec: FakeOneTimeTokenCodec) -> None:
    sign_up = await waiting(world, sign_up_of())
    token = await issued(world, codec, sign_up)
    await world.advance(SIGN_UP_LIFETIME + timedelta(seconds=1))

    assert await world.sign_ups.redeemable(token) is None
    assert await world.sign_ups.waiting(token) is None
    assert await world.sign_ups.find(sign_up.id) is None
    for refused in (confirm(world, token, sign_up), drop(world, token)):
        with pytest.raises(InvalidInput):
            await refused
    with pytest.raises(UserNotFound):
        await issued(world, codec, sign_up)


async def test_a_mail_that_waited_gives_all_of_its_time(world: World, codec: FakeOneTimeTokenCodec) -> None:
    sign_up = await waiting(world, sign_up_of())
    await world.advance(SIGN_UP_LIFETIME / 2)
    token = await issued(world, codec, sign_up)
    await world.advance(SIGN_UP_LIFETIME - timedelta(minutes=1))

    assert await world.sign_ups.redeemable(token)
