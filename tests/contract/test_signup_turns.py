"""Sign-ups for one identifier take turns, in the fake and in what runs."""

import asyncio
from contextlib import AbstractAsyncContextManager
from itertools import combinations_with_replacement, product

import pytest

from application.accounts.ports import SignupTurns
from domain.accounts.identifiers import Username
from domain.errors import Overloaded
from infrastructure.signup_turns import AsyncioSignupTurns
from tests.support.fakes import FakeSignupTurns, parse_email


@pytest.fixture(params=[FakeSignupTurns, AsyncioSignupTurns], ids=["fake", "asyncio"])
def turns(request: pytest.FixtureRequest) -> SignupTurns:
    turns: SignupTurns = request.param()
    return turns


def take(turns: SignupTurns, name: str, *, at: str = "example.com") -> AbstractAsyncContextManager[bool]:
    return turns.take(parse_email(f"{name}@{at}"), Username.parse(name))


class SignUp:
    """One that lasts until it is told to end, and knows whether it has begun and had to wait."""

    def __init__(self, turn: AbstractAsyncContextManager[bool]) -> None:
        self.has_waited: bool | None = None
        self._turn = turn
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run())

    async def end(self, how: BaseException | None = None) -> None:
        self._end.set_exception(how) if how else self._end.set_result(None)
        await asyncio.gather(self.task, return_exceptions=True)
        await settled()

    async def _run(self) -> None:
        async with self._turn as self.has_waited:
            await self._end


async def settled() -> None:
    """Whoever can go on has gone on: nothing here waits for anything but another."""
    for _ in range(20):
        await asyncio.sleep(0)


async def begin(turns: SignupTurns, name: str, *, at: str = "example.com") -> SignUp:
    sign_up = SignUp(take(turns, name, at=at))
    await settled()
    return sign_up


async def test_whoever_is_alone_does_not_wait(turns: SignupTurns) -> None:
    for _ in range(3):
        async with take(turns, "ada") as has_waited:
            assert not has_waited


async def test_others_do_not_wait(turns: SignupTurns) -> None:
    async with take(turns, "ada"), take(turns, "grace") as has_waited:
        assert not has_waited


@pytest.mark.parametrize(
    ("email", "username"),
    [("ADA@Example.com", "Ada"), ("aDa@example.COM", "grace"), ("grace@example.com", "aDA")],
    ids=["both", "address", "username"],
)
async def test_one_identifier_is_one_turn_in_any_spelling(turns: SignupTurns, email: str, username: str) -> None:
    first = await begin(turns, "ada")
    second = SignUp(turns.take(parse_email(email), Username.parse(username)))
    await settled()
    assert second.has_waited is None

    await first.end()

    assert (first.has_waited, second.has_waited) == (False, True)
    await second.end()


async def test_they_go_one_by_one(turns: SignupTurns) -> None:
    sign_ups = [await begin(turns, "ada") for _ in range(16)]

    for sign_up in sign_ups:
        begun = [each for each in sign_ups if each.has_waited is not None and not each.task.done()]
        assert begun == [sign_up]
        await sign_up.end()


async def test_a_failure_ends_a_turn_and_is_not_hidden(turns: SignupTurns) -> None:
    first, second = await begin(turns, "ada"), await begin(turns, "ada")

    await first.end(Overloaded(retry_after=1))

    assert isinstance(first.task.exception(), Overloaded)
    assert second.has_waited
    await second.end()


async def test_who_leaves_in_the_middle_holds_up_nobody(turns: SignupTurns) -> None:
    """A client that hangs up: in its turn, while it waits, and in the moment when its turn comes."""
    in_turn, waits, comes, last = [await begin(turns, "ada") for _ in range(4)]

    waits.task.cancel()
    in_turn.task.cancel()
    await asyncio.wait({in_turn.task})
    comes.task.cancel()
    await settled()

    assert all(sign_up.task.cancelled() for sign_up in (in_turn, waits, comes))
    assert last.has_waited
    await last.end()
    async with take(turns, "ada") as has_waited:
        assert not has_waited


async def test_crossing_sign_ups_all_come_to_an_end_and_never_meet(turns: SignupTurns) -> None:
    """The address of one and the name of another, in every combination."""
    under_way: list[str] = []

    async def sign_up(email: str, username: str) -> None:
        async with turns.take(parse_email(f"{email}@example.com"), Username.parse(username)):
            names = [f"{email}@", username]
            assert not set(names) & set(under_way)
            under_way.extend(names)
            await settled()
            for name in names:
                under_way.remove(name)

    names = ("ada", "bob", "eve")
    pairs = [*product(names, repeat=2), *combinations_with_replacement(names, 2)]
    async with asyncio.timeout(10):
        await asyncio.gather(*(sign_up(*pair) for pair in pairs))


async def test_one_username_at_two_addresses_is_one_turn(turns: SignupTurns) -> None:
    first, second = await begin(turns, "ada"), await begin(turns, "ada", at="example.org")
    assert second.has_waited is None
    await first.end()
    await second.end()
