"""The bounds of the turns, and that they leave nothing behind."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from domain.accounts.identifiers import Username
from domain.errors import Overloaded
from infrastructure.signup_turns import AsyncioSignupTurns
from tests.support.fakes import parse_email


def take(turns: AsyncioSignupTurns, email: str = "ada", username: str = "ada") -> AbstractAsyncContextManager[bool]:
    return turns.take(parse_email(f"{email}@example.com"), Username.parse(username))


async def wait_for(turns: AsyncioSignupTurns, email: str = "ada", username: str = "ada") -> bool:
    async with take(turns, email, username) as has_waited:
        return has_waited


@pytest.mark.parametrize("shared", ["email", "username"])
async def test_beyond_those_that_may_wait_is_overload_at_once(shared: str) -> None:
    turns = AsyncioSignupTurns(max_waiting=2)
    async with take(turns):
        waiting = [asyncio.create_task(wait_for(turns)) for _ in range(2)]
        await asyncio.sleep(0)

        with pytest.raises(Overloaded) as refusal:
            await wait_for(turns, **{shared: "grace"})

        assert refusal.value.retry_after == 1
        assert not await wait_for(turns, "grace", "grace"), "nobody else is concerned"
    assert await asyncio.gather(*waiting) == [True, True]
    assert not await wait_for(turns)


@pytest.mark.parametrize("shared", [{}, {"email": "grace"}, {"username": "grace"}])
async def test_who_waits_too_long_is_refused_and_leaves_the_queue(shared: dict[str, str]) -> None:
    turns = AsyncioSignupTurns(max_wait=0.01)
    async with take(turns):
        with pytest.raises(Overloaded):
            await wait_for(turns, **shared)
        assert {queue.length for queue in turns._queues.values()} == {1}
    assert not await wait_for(turns, **shared)


async def test_a_turn_may_take_longer_than_others_wait() -> None:
    """And a timeout of what is done in it is its own."""
    turns = AsyncioSignupTurns(max_wait=0.01)
    async with take(turns):
        await asyncio.sleep(0.03)

    with pytest.raises(TimeoutError):
        async with take(turns):
            raise TimeoutError


async def test_nothing_is_remembered_of_anybody() -> None:
    turns = AsyncioSignupTurns(max_waiting=4, max_wait=0.01)

    async def sign_up(number: int) -> None:
        async with take(turns, f"person-{number % 7}", f"person-{number % 5}"):
            await asyncio.sleep(0)
            if number % 3:
                raise Overloaded(retry_after=1)

    tasks = [asyncio.create_task(sign_up(number)) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::4]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert turns._queues == {}
