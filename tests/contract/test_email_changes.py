"""Changes of address: one that waits, one that holds, and the way back for whoever had the account first (P10, P11)."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from application.origin import NOWHERE
from application.recovery.ports import OneTimeToken
from application.sessions.ports import Caller
from domain.accounts.errors import EmailTaken
from domain.accounts.identifiers import EmailAddress
from domain.accounts.user import User
from domain.credentials.errors import WrongPassword
from domain.errors import InvalidInput
from domain.events import DomainEvent
from domain.recovery.email_change import EmailChange
from domain.recovery.one_time_token import TokenPurpose
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import EndReason
from tests.support.builders import Account, attempt_by_email, new_id, registered, signed_in
from tests.support.fakes import TODAY, FakeOneTimeTokenCodec, parse_email
from tests.support.world import World

A_DAY = timedelta(hours=24)
NEW, FREEZE = TokenPurpose.NEW_EMAIL, TokenPurpose.ACCOUNT_FREEZE


@dataclass
class Mover:
    """Somebody signed in, whose address is proven and changes."""

    world: World
    account: Account
    caller: Caller
    codec: FakeOneTimeTokenCodec = field(default_factory=FakeOneTimeTokenCodec)

    async def user(self) -> User:
        found = await self.world.directory.find(self.account.user.id)
        assert found is not None
        return found

    async def ask_for(self, email: str) -> EmailChange:
        change = EmailChange(id=new_id(), email=parse_email(email))
        work = self.world.unit_of_work(NOWHERE)
        work.email_changes.request(self.caller, change)
        await work.commit()
        return change

    async def token(self, purpose: TokenPurpose, to: EmailAddress) -> OneTimeToken:
        token = self.codec.new(purpose).token
        work = self.world.unit_of_work(NOWHERE)
        work.one_time_tokens.issue(token, self.account.user.id, A_DAY, to=to)
        await work.commit()
        return token

    async def apply(self, change: EmailChange) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.email_changes.apply(self.account.user.id, change)
        work.record(DomainEvent(type="applied"))
        await work.commit()

    async def move_to(self, email: str) -> EmailChange:
        """From one proven address to the next; one at a time, for order is what counts."""
        await self.world.advance(timedelta(seconds=1))
        change = await self.ask_for(email)
        await self.apply(change)
        return change

    async def freeze(self, token: OneTimeToken, email: EmailAddress) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.sessions.end_all_of(self.account.user.id, EndReason.ACCOUNT_FROZEN)
        work.one_time_tokens.spend(token)
        work.email_changes.undo(self.account.user.id, email)
        await work.commit()

    async def opens(self, token: OneTimeToken) -> bool:
        return await self.world.one_time_tokens.redeemable(token) is not None


async def mover(world: World, *, is_proven: bool = True) -> Mover:
    account = await registered(world)
    if is_proven:
        work = world.unit_of_work(NOWHERE)
        work.accounts.prove_email(account.user.id)
        await work.commit()
    return Mover(world, account, (await signed_in(world, account)).caller)


@pytest.fixture
async def ada(world: World) -> Mover:
    return await mover(world)


async def test_p10_a_change_waits_and_changes_nothing(world: World, ada: Mover) -> None:
    before = await ada.user()
    change = await ada.ask_for("New@Example.com")

    assert await world.email_changes.pending(ada.account.user.id) == change
    assert await world.email_changes.former(change.id) is None
    assert await ada.user() == before


async def test_the_next_takes_its_place(world: World, ada: Mover) -> None:
    bob = await mover(world)
    of_bob = await bob.ask_for("bob@elsewhere.example")
    first = await ada.ask_for("first@example.com")
    token = await ada.token(NEW, first.email)
    second = await ada.ask_for("second@example.com")

    assert await world.email_changes.pending(ada.account.user.id) == second
    assert await world.email_changes.pending(bob.account.user.id) == of_bob
    assert not await ada.opens(token)
    with pytest.raises(InvalidInput):
        await ada.apply(first)
    assert "applied" not in [event.type for event in await world.events()]


async def test_who_is_not_signed_in_any_more_asks_in_vain(world: World, ada: Mover) -> None:
    work = world.unit_of_work(NOWHERE)
    work.sessions.end_all_of(ada.account.user.id, EndReason.REVOKED)
    await work.commit()

    with pytest.raises(InvalidAccessToken):
        await ada.ask_for("new@example.com")
    assert await world.email_changes.pending(ada.account.user.id) is None


async def test_a_change_that_is_dropped_is_off(world: World, ada: Mover) -> None:
    change = await ada.ask_for("new@example.com")
    token = await ada.token(NEW, change.email)
    work = world.unit_of_work(NOWHERE)
    work.email_changes.drop_of(ada.account.user.id)
    await work.commit()

    assert await world.email_changes.pending(ada.account.user.id) is None
    assert not await ada.opens(token)
    with pytest.raises(InvalidInput):
        await ada.apply(change)


async def test_p11_a_token_opens_the_change_of_its_address_and_no_other(world: World, ada: Mover) -> None:
    """P11."""
    change = await ada.ask_for("New@Example.com")
    token = await ada.token(NEW, change.email)
    other = await ada.token(NEW, parse_email("other@example.com"))

    redeemable = await world.one_time_tokens.redeemable(token)
    assert redeemable is not None
    assert (redeemable.email_change, redeemable.email) == (change, change.email)
    assert redeemable.user == await ada.user()
    assert not await ada.opens(other)


async def test_p11_tokens_are_bound_to_the_address_they_are_mailed_to(world: World, ada: Mover) -> None:
    """Whatever the account's is by the time that they are made."""
    old = ada.account.email
    await ada.move_to("new@example.com")
    late = await ada.token(TokenPurpose.PASSWORD_RESET, old)
    by_default = ada.codec.new(TokenPurpose.PASSWORD_RESET).token
    work = world.unit_of_work(NOWHERE)
    work.one_time_tokens.issue(by_default, ada.account.user.id, A_DAY)
    await work.commit()

    assert not await ada.opens(late)
    redeemable = await world.one_time_tokens.redeemable(by_default)
    assert redeemable is not None
    assert (redeemable.email, redeemable.email_change) == (parse_email("new@example.com"), None)


async def test_the_new_address_holds_and_the_old_one_is_kept(world: World, ada: Mover) -> None:
    before = await ada.user()
    change = await ada.move_to("New@Example.com")

    after = await ada.user()
    assert (after.email, after.email_verified) == (parse_email("New@Example.com"), True)
    assert (after.username, after.profile) == (before.username, before.profile)
    assert await world.email_changes.pending(ada.account.user.id) is None
    former = await world.email_changes.former(change.id)
    assert former is not None
    assert (former.user_id, former.email) == (ada.account.user.id, before.email)


async def test_an_unproven_address_is_not_kept(world: World) -> None:
    ada = await mover(world, is_proven=False)
    change = await ada.move_to("new@example.com")

    assert (await ada.user()).email_verified
    assert await world.email_changes.former(change.id) is None
    assert not await ada.opens(await ada.token(FREEZE, ada.account.email))


async def test_an_address_that_somebody_has_is_refused(world: World, ada: Mover) -> None:
    bob = await registered(world)
    change = await ada.ask_for(bob.email.original)

    with pytest.raises(EmailTaken):
        await ada.apply(change)
    assert (await ada.user()).email == ada.account.email
    assert await world.email_changes.pending(ada.account.user.id) == change


async def test_x13_of_many_that_apply_it_at_once_one_does(world: World, ada: Mover) -> None:
    change = await ada.ask_for("new@example.com")

    results = await asyncio.gather(*(ada.apply(change) for _ in range(8)), return_exceptions=True)

    assert results.count(None) == 1
    assert {type(result) for result in results} == {type(None), InvalidInput}
    assert [event.type for event in await world.events()].count("applied") == 1


async def test_x13_of_two_that_get_the_same_address_at_once_one_does(world: World, ada: Mover) -> None:
    bob = await mover(world)
    changes = [await each.ask_for("same@example.com") for each in (ada, bob)]

    results = await asyncio.gather(
        *(each.apply(change) for each, change in zip((ada, bob), changes, strict=True)), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == ["EmailTaken", "NoneType"]


async def test_the_old_address_comes_back(world: World, ada: Mover) -> None:
    old = (await ada.user()).email
    change = await ada.move_to("new@example.com")
    token = await ada.token(FREEZE, old)
    redeemable = await world.one_time_tokens.redeemable(token)
    assert redeemable is not None
    assert (redeemable.email, redeemable.email_change) == (old, None)

    await ada.freeze(token, old)

    after = await ada.user()
    assert (after.email, after.email_verified) == (old, True)
    assert await world.email_changes.former(change.id) is None
    assert not await ada.opens(token)


async def test_an_address_that_was_never_replaced_stays(world: World, ada: Mover) -> None:
    before = await ada.user()
    token = await ada.token(FREEZE, before.email)
    await ada.ask_for("new@example.com")

    await ada.freeze(token, before.email)

    assert await ada.user() == before
    assert not await ada.opens(token)


async def test_the_first_of_several_addresses_has_the_last_word(world: World, ada: Mover) -> None:
    """Whoever took the account over and changed its address twice is mailed a way to freeze it, too."""
    first = (await ada.user()).email
    await ada.move_to("attacker@example.com")
    second = (await ada.user()).email
    await ada.move_to("attacker.2@example.com")
    of_first, again, of_second = [await ada.token(FREEZE, email) for email in (first, first, second)]

    await ada.freeze(of_second, second)
    assert (await ada.user()).email == second
    assert not await ada.opens(of_second)
    assert await ada.opens(of_first)

    await ada.freeze(of_first, first)
    assert (await ada.user()).email == first
    assert not await ada.opens(again)
    assert not await ada.opens(await ada.token(FREEZE, second)), "nor by a mail that comes late"


async def test_so_it_has_before_the_second_change_is_proven(world: World, ada: Mover) -> None:
    first = (await ada.user()).email
    await ada.move_to("attacker@example.com")
    second = (await ada.user()).email
    of_first, of_second = await ada.token(FREEZE, first), await ada.token(FREEZE, second)

    await ada.freeze(of_second, second)

    assert (await ada.user()).email == second
    assert await ada.opens(of_first)
    await ada.freeze(of_first, first)
    assert (await ada.user()).email == first


async def test_who_has_it_in_the_end_and_had_it_first_undoes_all(world: World, ada: Mover) -> None:
    first = (await ada.user()).email
    await ada.move_to("attacker@example.com")
    second = (await ada.user()).email
    await ada.move_to(first.original)
    of_first, of_second = await ada.token(FREEZE, first), await ada.token(FREEZE, second)

    await ada.freeze(of_first, first)

    assert (await ada.user()).email == first
    assert not await ada.opens(of_second)


async def test_an_address_that_is_somebody_elses_does_not_come_back(world: World, ada: Mover) -> None:
    old = (await ada.user()).email
    await ada.move_to("new@example.com")
    token = await ada.token(FREEZE, old)
    await registered(world, email=old.original)

    with pytest.raises(EmailTaken):
        await ada.freeze(token, old)

    assert (await ada.user()).email == parse_email("new@example.com")
    assert await ada.opens(token)


async def test_an_account_is_found_unproven_or_the_whole_is_refused(world: World, ada: Mover) -> None:
    bob = await registered(world)
    work = world.unit_of_work(NOWHERE)
    work.email_changes.require_unproven(bob.user.id)
    await work.commit()

    for user_id in (ada.account.user.id, new_id()):
        work = world.unit_of_work(NOWHERE)
        work.email_changes.require_unproven(user_id)
        with pytest.raises(EmailTaken):
            await work.commit()


async def test_nothing_of_it_outlives_the_account(world: World, ada: Mover) -> None:
    change = await ada.move_to("new@example.com")
    waiting = await ada.ask_for("newer@example.com")
    token = await ada.token(NEW, waiting.email)
    work = world.unit_of_work(NOWHERE)
    work.accounts.release_username(ada.account.user)
    work.accounts.remove(ada.account.user.id)
    await work.commit()

    assert await world.email_changes.pending(ada.account.user.id) is None
    assert await world.email_changes.former(change.id) is None
    assert not await ada.opens(token)
    with pytest.raises(InvalidInput):
        await ada.apply(waiting)


async def test_a_password_is_replaced_whatever_it_is(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    await world.change_password_version(ada.user.id)
    work = world.unit_of_work(NOWHERE)
    work.credentials.lock_out(ada.user.id, f"{TODAY}nobody knows")
    await work.commit()

    credential = (await attempt_by_email(world, ada)).credential
    assert credential is not None
    assert (credential.password_hash, credential.version) == (f"{TODAY}nobody knows", 3)
    assert (await attempt_by_email(world, bob)).credential == bob.credential
    work = world.unit_of_work(NOWHERE)
    work.credentials.replace(ada.credential, f"{TODAY}of somebody who was slower")
    with pytest.raises(WrongPassword):
        await work.commit()
