"""One-time tokens: good for one thing, once, for a while, and for the address they were made for (P05, P11)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from application.origin import NOWHERE
from application.recovery.ports import OneTimeToken
from domain.accounts.errors import UserNotFound
from domain.credentials.errors import WrongPassword
from domain.errors import InvalidInput
from domain.events import DomainEvent
from domain.recovery.one_time_token import TokenPurpose
from domain.sessions.errors import InvalidCredentials
from domain.sessions.session import EndReason
from tests.support.builders import Account, attempt_by_email, new_id, registered, session_of
from tests.support.fakes import TODAY, FakeOneTimeTokenCodec, FakeRefreshTokens
from tests.support.world import World

RESET = TokenPurpose.OPERATOR_PASSWORD_RESET
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def codec() -> FakeOneTimeTokenCodec:
    return FakeOneTimeTokenCodec()


async def issued(world: World, codec: FakeOneTimeTokenCodec, account: Account) -> OneTimeToken:
    token = codec.new(RESET).token
    work = world.unit_of_work(NOWHERE)
    work.one_time_tokens.issue(token, account.user.id, HALF_AN_HOUR)
    await work.commit()
    return token


async def spend(world: World, token: OneTimeToken, account: Account) -> None:
    work = world.unit_of_work(NOWHERE)
    work.one_time_tokens.spend(token)
    work.sessions.end_all_of(account.user.id, EndReason.PASSWORD_RESET)
    work.record(DomainEvent(type="spent"))
    await work.commit()


async def test_a_token_opens_the_account_it_was_made_for(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada, bob = await registered(world), await registered(world)
    of_ada, of_bob = await issued(world, codec, ada), await issued(world, codec, bob)

    for token, account in ((of_ada, ada), (of_bob, bob)):
        redeemable = await world.one_time_tokens.redeemable(token)
        assert redeemable is not None
        assert (redeemable.user, redeemable.credential) == (account.user, account.credential)


async def test_looking_spends_nothing(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada = await registered(world)
    token = await issued(world, codec, ada)

    assert await world.one_time_tokens.redeemable(token)
    assert await world.one_time_tokens.redeemable(token)
    await spend(world, token, ada)


async def test_p05_a_token_is_spent_once_and_takes_its_like_with_it(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada, bob = await registered(world), await registered(world)
    first, second = await issued(world, codec, ada), await issued(world, codec, ada)
    of_bob = await issued(world, codec, bob)

    await spend(world, first, ada)

    for token in (first, second):
        assert await world.one_time_tokens.redeemable(token) is None
        with pytest.raises(InvalidInput) as refused:
            await spend(world, token, ada)
        assert [(each.field, each.code) for each in refused.value.violations] == [("token", "invalid_token")]
    assert [event.type for event in await world.events() if event.type == "spent"] == ["spent"]
    assert await world.one_time_tokens.redeemable(of_bob)


async def test_p05_x13_of_sixteen_that_spend_it_at_once_one_does(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada = await registered(world)
    token = await issued(world, codec, ada)

    results = await asyncio.gather(*(spend(world, token, ada) for _ in range(16)), return_exceptions=True)

    assert results.count(None) == 1
    assert sum(isinstance(result, InvalidInput) for result in results) == 15
    assert [event.type for event in await world.events() if event.type == "spent"] == ["spent"]


async def test_p05_a_token_expires(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada = await registered(world)
    token = await issued(world, codec, ada)
    await world.advance(HALF_AN_HOUR - timedelta(seconds=20))
    assert await world.one_time_tokens.redeemable(token)

    await world.advance(timedelta(seconds=21))

    assert await world.one_time_tokens.redeemable(token) is None
    with pytest.raises(InvalidInput):
        await spend(world, token, ada)


async def renew(world: World, token: OneTimeToken) -> None:
    work = world.unit_of_work(NOWHERE)
    work.one_time_tokens.renew(token, HALF_AN_HOUR)
    await work.commit()


async def test_a_token_is_given_its_time_anew(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada = await registered(world)
    token, other = await issued(world, codec, ada), await issued(world, codec, ada)
    await world.advance(HALF_AN_HOUR / 2)

    await renew(world, token)

    await world.advance(HALF_AN_HOUR - timedelta(seconds=20))
    assert await world.one_time_tokens.redeemable(token)
    assert await world.one_time_tokens.redeemable(other) is None


@pytest.mark.parametrize("state", ["spent", "expired", "unknown", "for something else"])
async def test_p05_a_token_that_is_good_for_nothing_is_not_revived(
    world: World, codec: FakeOneTimeTokenCodec, state: str
) -> None:
    ada = await registered(world)
    token = await issued(world, codec, ada)
    match state:
        case "spent":
            await spend(world, token, ada)
        case "expired":
            await world.advance(HALF_AN_HOUR + timedelta(seconds=1))
        case "unknown":
            token = codec.new(RESET).token
        case _:
            token = replace(token, purpose=TokenPurpose.ACCOUNT_FREEZE)

    with pytest.raises(InvalidInput):
        await renew(world, token)

    assert await world.one_time_tokens.redeemable(token) is None


async def test_an_unknown_token_opens_nothing(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada = await registered(world)
    await issued(world, codec, ada)
    unknown = codec.new(RESET).token

    assert await world.one_time_tokens.redeemable(unknown) is None
    with pytest.raises(InvalidInput):
        await spend(world, unknown, ada)


async def test_a_token_of_a_disabled_account_opens_nothing(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada = await registered(world)
    token = await issued(world, codec, ada)
    await world.disable(ada.user.id)

    assert await world.one_time_tokens.redeemable(token) is None
    with pytest.raises(InvalidInput):
        await spend(world, token, ada)


async def test_p05_p11_a_token_dies_with_the_address_it_was_made_for(
    world: World, codec: FakeOneTimeTokenCodec
) -> None:
    ada = await registered(world)
    token = await issued(world, codec, ada)
    await world.change_email(ada.user.id, "ada@elsewhere.example")

    assert await world.one_time_tokens.redeemable(token) is None
    with pytest.raises(InvalidInput):
        await spend(world, token, ada)


async def test_revoked_tokens_open_nothing_and_others_do(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada, bob = await registered(world), await registered(world)
    tokens = [await issued(world, codec, ada) for _ in range(2)]
    of_bob = await issued(world, codec, bob)
    work = world.unit_of_work(NOWHERE)
    work.one_time_tokens.revoke_all_of(ada.user.id, set())
    await work.commit()
    assert await world.one_time_tokens.redeemable(tokens[0])

    work = world.unit_of_work(NOWHERE)
    work.one_time_tokens.revoke_all_of(ada.user.id, {RESET})
    await work.commit()

    assert [await world.one_time_tokens.redeemable(token) for token in tokens] == [None, None]
    assert await world.one_time_tokens.redeemable(of_bob)


async def test_a_new_one_in_the_place_of_the_old(world: World, codec: FakeOneTimeTokenCodec) -> None:
    ada = await registered(world)
    old, new = await issued(world, codec, ada), codec.new(RESET).token
    work = world.unit_of_work(NOWHERE)
    work.one_time_tokens.revoke_all_of(ada.user.id, {RESET})
    work.one_time_tokens.issue(new, ada.user.id, HALF_AN_HOUR)
    await work.commit()

    assert await world.one_time_tokens.redeemable(old) is None
    assert await world.one_time_tokens.redeemable(new)


async def test_nobody_has_no_token(world: World, codec: FakeOneTimeTokenCodec) -> None:
    work = world.unit_of_work(NOWHERE)
    work.one_time_tokens.issue(codec.new(RESET).token, new_id(), HALF_AN_HOUR)
    work.record(DomainEvent(type="issued"))

    with pytest.raises(UserNotFound):
        await work.commit()

    assert await world.events() == []


async def test_a_password_is_replaced_once(world: World) -> None:
    """Of two changes that both verified the same password one holds."""
    ada, bob = await registered(world), await registered(world)
    works = [world.unit_of_work(NOWHERE) for _ in range(2)]
    for number, work in enumerate(works):
        work.credentials.replace(ada.credential, f"{TODAY}password {number}")
    await works[0].commit()

    with pytest.raises(WrongPassword):
        await works[1].commit()

    credential = (await attempt_by_email(world, ada)).credential
    assert credential is not None
    assert (credential.password_hash, credential.version) == (f"{TODAY}password 0", 2)
    assert (await attempt_by_email(world, bob)).credential == bob.credential


async def test_p02_a_session_is_started_by_the_password_that_is_replaced(world: World) -> None:
    """Whoever changes it has proven the old one. Nobody else starts a session by that after the commit."""
    ada = await registered(world)
    session, late = session_of(ada.user.id), session_of(ada.user.id)
    work = world.unit_of_work(NOWHERE)
    work.sessions.start(session, FakeRefreshTokens().first(session.id), ada.credential)
    work.credentials.replace(ada.credential, f"{TODAY}another password")
    await work.commit()

    assert await world.session_row(session.id)
    work = world.unit_of_work(NOWHERE)
    work.sessions.start(late, FakeRefreshTokens().first(late.id), ada.credential)
    with pytest.raises(InvalidCredentials):
        await work.commit()


async def test_a_better_hash_does_not_hinder_a_change(world: World) -> None:
    ada = await registered(world)
    work = world.unit_of_work(NOWHERE)
    work.credentials.rehash(ada.credential, f"{TODAY}better")
    await work.commit()
    work = world.unit_of_work(NOWHERE)
    work.credentials.replace(ada.credential, f"{TODAY}another password")
    await work.commit()

    credential = (await attempt_by_email(world, ada)).credential
    assert credential is not None
    assert credential.password_hash == f"{TODAY}another password"
