"""Sign-ups that are sent again under a key: one is done, and its repeats are told so."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.accounts.ports import (
    IDEMPOTENCY_KEY_KEPT,
    IDEMPOTENCY_KEY_LEASE,
    KeyClaim,
    KeyedRequest,
    OpenRegistration,
)
from application.origin import NOWHERE, Origin
from domain.accounts.errors import EmailTaken, IdempotencyKeyReused, IdentifierTaken, RequestInProgress
from domain.accounts.user import User
from domain.errors import TooManyAttempts
from tests.support.builders import ADA, Account, add, credential_of, new_id, registered, user_named
from tests.support.world import SIGN_UP_ACCOUNT, SIGN_UP_SOURCE, World

SECOND = timedelta(seconds=1)


class Applicant:
    """Somebody who sends one sign-up, any number of times."""

    def __init__(self, world: World, name: str = "Ada", *, key: str = "key-1", content: str = "{}") -> None:
        self.world = world
        self.user = user_named(name)
        self.key = key
        self.content = content

    async def open(self, *, content: str | None = None, origin: Origin = NOWHERE) -> OpenRegistration:
        keyed = KeyedRequest(key=self.key, content=content or self.content, attempt=new_id())
        return await self.world.registrations.open(self.user.email, self.user.username, origin, keyed)

    async def claim(self) -> KeyClaim:
        claim = (await self.open()).claim
        assert claim is not None
        return claim

    async def complete(self, claim: KeyClaim) -> User:
        """Commit, as a new account."""
        user = replace(self.user, id=new_id())
        work = self.world.unit_of_work(NOWHERE)
        work.accounts.add(user, credential_of(user), claim)
        await work.commit()
        return user

    async def withdraw(self, claim: KeyClaim) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.accounts.withdraw(claim)
        await work.commit()

    async def signed_up(self) -> User:
        return await self.complete(await self.claim())


async def test_a_sign_up_without_a_key_claims_nothing(world: World) -> None:
    user = user_named("Ada")

    opened = await world.registrations.open(user.email, user.username, NOWHERE, None)

    assert (opened.claim, opened.done_as, opened.taken) == (None, None, None)


async def test_a_repeat_of_what_was_done_is_told_as_whom(world: World) -> None:
    ada = Applicant(world)
    user = await ada.signed_up()

    again = await ada.open()

    assert (again.claim, again.done_as) == (None, user.id)
    assert await world.registrations.by_id(user.id) == user


async def test_an_account_that_is_not_there_is_not_found_by_its_id(world: World) -> None:
    await registered(world)

    assert await world.registrations.by_id(new_id()) is None


async def test_a_repeat_while_the_first_is_in_flight_is_told_to_wait(world: World) -> None:
    ada = Applicant(world)
    claim = await ada.claim()

    with pytest.raises(RequestInProgress) as refusal:
        await ada.open()

    assert refusal.value.retry_after == 1
    await ada.complete(claim)


@pytest.mark.parametrize(("age", "least", "most"), [(20, 20, 21), (50, 1, 10)])
async def test_the_wait_is_as_long_again_as_the_first_has_been_at_it(
    world: World, age: int, least: int, most: int
) -> None:
    """So that a dead attempt is not asked after every second, and a live one not kept waiting."""
    ada = Applicant(world)
    await ada.claim()
    await world.advance(age * SECOND)

    with pytest.raises(RequestInProgress) as refusal:
        await ada.open()

    assert least <= (refusal.value.retry_after or 0) <= most


@pytest.mark.parametrize("is_done", [False, True])
async def test_a_key_is_for_one_content(world: World, is_done: bool) -> None:
    ada = Applicant(world)
    claim = await ada.claim()
    if is_done:
        await ada.complete(claim)

    with pytest.raises(IdempotencyKeyReused):
        await ada.open(content='{"username":"eve"}')
    with pytest.raises(IdempotencyKeyReused):
        await Applicant(world, "Eve", content='{"username":"eve"}').open()


async def test_the_same_content_under_another_key_is_another_sign_up(world: World) -> None:
    await Applicant(world).signed_up()

    opened = await Applicant(world, key="key-2").open()

    assert isinstance(opened.taken, EmailTaken)
    assert (opened.claim, opened.done_as) == (None, None)


@pytest.mark.parametrize("content", ["{}", '{"corrected":1}'])
async def test_a_withdrawn_key_is_free_for_any_content(world: World, content: str) -> None:
    ada = Applicant(world)
    await ada.withdraw(await ada.claim())

    assert (await ada.open(content=content)).claim is not None


async def test_what_is_taken_claims_no_key(world: World) -> None:
    await registered(world, "Ada")
    ada = Applicant(world)
    assert (await ada.open()).claim is None

    assert (await Applicant(world, "Bob", content='{"corrected":1}').open()).claim is not None


async def test_what_was_done_is_not_withdrawn(world: World) -> None:
    """A commit whose answer was lost is withdrawn by a use case that takes it for failed."""
    ada = Applicant(world)
    claim = await ada.claim()
    user = await ada.complete(claim)

    await ada.withdraw(claim)

    assert (await ada.open()).done_as == user.id


async def test_a_claim_whose_holder_died_is_taken_over(world: World) -> None:
    ada = Applicant(world)
    dead = await ada.claim()
    await world.advance(IDEMPOTENCY_KEY_LEASE - SECOND)
    with pytest.raises(RequestInProgress):
        await ada.open()
    await world.advance(2 * SECOND)

    heir = await ada.claim()

    with pytest.raises(RequestInProgress):
        await ada.complete(dead)
    await ada.withdraw(dead)
    user = await ada.complete(heir)
    assert (await ada.open()).done_as == user.id


async def test_whoever_is_overtaken_is_not_told_that_its_own_address_is_taken(world: World) -> None:
    ada = Applicant(world)
    slow = await ada.claim()
    await world.advance(IDEMPOTENCY_KEY_LEASE + SECOND)
    await ada.complete(await ada.claim())

    with pytest.raises(RequestInProgress):
        await ada.complete(slow)


async def test_a_claim_is_completed_once(world: World) -> None:
    ada = Applicant(world)
    claim = await ada.claim()
    await ada.complete(claim)

    with pytest.raises(RequestInProgress):
        await ada.complete(claim)


async def test_a_refused_account_completes_no_claim(world: World) -> None:
    ada = Applicant(world)
    claim = await ada.claim()
    await add(world, Account(ada.user, credential_of(ada.user)))

    with pytest.raises(IdentifierTaken):
        await ada.complete(claim)

    with pytest.raises(RequestInProgress):
        await ada.open()


async def test_an_answer_is_remembered_for_a_day(world: World) -> None:
    ada = Applicant(world)
    user = await ada.signed_up()
    await world.advance(IDEMPOTENCY_KEY_KEPT - SECOND)
    assert (await ada.open()).done_as == user.id
    await world.advance(2 * SECOND)

    late = await ada.open()

    assert (late.done_as, late.claim) == (None, None)
    assert isinstance(late.taken, EmailTaken)
    assert (await Applicant(world, "Bob", content='{"corrected":1}').open()).claim is not None


async def test_repeats_use_up_no_limit(world: World) -> None:
    ada = Applicant(world)
    await ada.open(origin=ADA)
    for _ in range(max(limit.burst for limit in world.limits.values())):
        with pytest.raises(RequestInProgress):
            await ada.open(origin=ADA)

    more = world.limits[SIGN_UP_ACCOUNT].burst - 1
    for number in range(more):
        await replace_key(ada, f"other-{number}").open(origin=ADA)
    with pytest.raises(TooManyAttempts):
        await replace_key(ada, "other").open(origin=ADA)


async def test_the_first_attempt_of_a_source_may_be_a_repeat(world: World) -> None:
    """Its counter begins empty."""
    ada = Applicant(world)
    await ada.open()
    with pytest.raises(RequestInProgress):
        await ada.open(origin=ADA)

    for number in range(world.limits[SIGN_UP_SOURCE].burst):
        await Applicant(world, f"Person-{number}", key=f"other-{number}").open(origin=ADA)
    with pytest.raises(TooManyAttempts):
        await Applicant(world, "Somebody", key="another").open(origin=ADA)


async def test_l03_guesses_at_the_content_under_a_known_key_are_limited_and_the_right_one_with_them(
    world: World,
) -> None:
    """L03: the content has the password in it, and a key may be as weak as the address."""
    ada = Applicant(world)
    await ada.signed_up()
    for number in range(world.limits[SIGN_UP_ACCOUNT].burst - 1):
        with pytest.raises(IdempotencyKeyReused):
            await ada.open(content=f"a guess {number}")

    with pytest.raises(TooManyAttempts):
        await ada.open(content="one guess more")
    with pytest.raises(TooManyAttempts):
        await ada.open()


async def test_a_limited_sign_up_claims_no_key(world: World) -> None:
    ada = Applicant(world)
    for number in range(world.limits[SIGN_UP_ACCOUNT].burst):
        await replace_key(ada, f"other-{number}").open()
    with pytest.raises(TooManyAttempts):
        await ada.open()

    assert (await Applicant(world, "Bob").open()).claim is not None


async def test_s12_x13_of_sixteen_repeats_at_once_one_gets_the_account_and_none_is_told_that_it_is_taken(
    world: World,
) -> None:
    ada = Applicant(world)

    async def sign_up() -> User | None:
        opened = await ada.open()
        assert opened.done_as or opened.claim
        return await ada.complete(opened.claim) if opened.claim else None

    results = await asyncio.gather(*(sign_up() for _ in range(16)), return_exceptions=True)

    made = [result for result in results if isinstance(result, User)]
    assert len(made) == 1
    assert {type(result) for result in results} <= {User, type(None), RequestInProgress, TooManyAttempts}
    # Those that asked before there was an account have used up its attempts, if they were quick enough.
    await world.advance(world.limits[SIGN_UP_ACCOUNT].period)
    assert (await ada.open()).done_as == made[0].id


async def test_sixteen_repeats_of_a_dead_attempt_have_one_heir(world: World) -> None:
    ada = Applicant(world)
    await ada.claim()
    await world.advance(IDEMPOTENCY_KEY_LEASE + SECOND)

    attempts: list[Awaitable[OpenRegistration]] = [ada.open() for _ in range(16)]
    results = await asyncio.gather(*attempts, return_exceptions=True)

    assert sum(isinstance(result, OpenRegistration) for result in results) == 1
    # Whoever looks before the heir is there to be seen counts as a sign-up of their own, and may be one too many.
    assert sum(isinstance(result, RequestInProgress | TooManyAttempts) for result in results) == 15


def replace_key(applicant: Applicant, key: str) -> Applicant:
    """The same person, with a sign-up of its own."""
    other = Applicant(applicant.world, key=key, content=applicant.content)
    other.user = applicant.user
    return other
