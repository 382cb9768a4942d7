"""The session protocol on a server with two workers: searched by a machine, and whole histories of it judged.

``TEST_MACHINE_EXAMPLES`` and ``TEST_HISTORY_ROUNDS`` are how long; by default as long as a test may take.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import Phase

from tests.machines.contract_model import AccountModel, Tokens
from tests.machines.operations import Answer, End, EndAll, LogOut, Look, Operation, Refresh, SignIn, explained
from tests.machines.search import search
from tests.machines.server_target import ServerTarget
from tests.support.figures import figure
from tests.support.server import Server

ROUNDS = int(os.environ.get("TEST_HISTORY_ROUNDS", "12"))
SEED = int(os.environ.get("TEST_HISTORY_SEED", "20"))
AT_ONCE = 8
"""Operations of a round: all orders of them are tried."""
WAITS = [timedelta(0), timedelta(seconds=6), timedelta(seconds=12)]


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def target(server: Server, runner: asyncio.Runner) -> Iterator[ServerTarget]:
    context = ServerTarget.on(server)
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


def test_r01_r03_r04_r05_r07_r10_r11_o01_a_server_keeps_the_session_protocol(
    target: ServerTarget, runner: asyncio.Runner
) -> None:
    # Shrinking takes many runs, each of them a second here: what is found is better shrunk on the fakes.
    search(target, runner, 8, phases=[Phase.generate])


def test_r02_o02_histories_of_one_session_are_those_of_one_register(
    target: ServerTarget, runner: asyncio.Runner
) -> None:
    """Eight requests at once, refreshes and ends, are answered as if one had come after the other."""
    outcomes = runner.run(histories(target, Random(SEED)))
    figure(f"{ROUNDS} rounds of up to {AT_ONCE}, seed {SEED}: {dict(sorted(outcomes.items()))}")
    assert outcomes["Refresh granted"]
    assert outcomes["rounds"] == ROUNDS


async def histories(target: ServerTarget, random: Random) -> Counter[str]:
    """Round after round on one session, and on another when it has ended."""
    outcomes: Counter[str] = Counter()
    accounts, tokens = set[AccountModel](), list[str]()
    for _ in range(ROUNDS):
        if not any(session.is_live(account.now) for account in accounts for _, session in account.sessions[:1]):
            accounts, tokens = await begun(target)
        wait = random.choice(WAITS)
        await target.wait(wait)
        operations = some_operations(random, next(iter(accounts)), tokens)
        answers = await target.ask_at_once(operations)
        then = {after for account in accounts for after in explained(account.later(wait), operations, answers)}
        assert then, f"no order explains {list(zip(operations, answers, strict=True))}\nafter {accounts}"
        accounts = then
        tokens += sorted({answer.refresh_token for answer in answers if isinstance(answer, Tokens)} - {*tokens})
        outcomes.update(outcomes_of(operations, answers))
        outcomes["rounds"] += 1
    return outcomes


async def begun(target: ServerTarget) -> tuple[set[AccountModel], list[str]]:
    """Somebody new, with the session that the histories are of and another one beside it."""
    await target.begin()
    accounts, tokens = {AccountModel()}, list[str]()
    for _ in range(2):
        answer = await target.ask(SignIn(remember=False))
        assert isinstance(answer, Tokens)
        accounts = {after for account in accounts for after in explained(account, [SignIn(remember=False)], [answer])}
        tokens.append(answer.refresh_token)
    return accounts, tokens[:1]


def some_operations(random: Random, account: AccountModel, tokens: Sequence[str]) -> list[Operation]:
    """Mostly refreshes with the newest tokens; in one round of three the session is ended meanwhile."""
    session, other = (name for name, _ in account.sessions)
    operations: list[Operation] = [Refresh(random.choice(tokens[-3:])) for _ in range(AT_ONCE)]
    operations[0] = Look(session)
    if random.random() < 1 / 3:
        operations[1] = random.choice([LogOut(session), End(session, other), EndAll(other, but_current=True)])
    random.shuffle(operations)
    return operations


def outcomes_of(operations: Sequence[Operation], answers: Sequence[Answer]) -> list[str]:
    return [
        f"{type(operation).__name__} {'granted' if answer else 'refused'}"
        for operation, answer in zip(operations, answers, strict=True)
    ]
