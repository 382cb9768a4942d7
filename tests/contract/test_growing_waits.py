"""Behind the burst waits grow, and the hundredth failure in a row is the last (NIST 800-63B-4 3.2.2)."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.origin import NOWHERE, Origin
from domain.errors import TooManyAttempts
from domain.limits import MOST_IN_A_ROW, Counter, count
from tests.support.builders import MALLORY, NOON, Account, attempt_by_email, device_of, forgive, prove, registered
from tests.support.world import HOUR, LIMITS, SIGN_IN_ACCOUNT, SIGN_IN_PAIR, World

MINUTE = timedelta(minutes=1)
RULE = LIMITS[SIGN_IN_ACCOUNT]
ELSEWHERE = Origin(ip_address="203.0.113.77")


async def wait_of(world: World, account: Account, origin: Origin = NOWHERE) -> int:
    """Seconds to wait; 0 for an attempt that was admitted."""
    try:
        await attempt_by_email(world, account, origin)
    except TooManyAttempts as refusal:
        return refusal.retry_after or 0
    return 0


async def guess_until_refused(world: World, account: Account, origin: Origin = NOWHERE) -> int:
    """The wait behind the last guess that was admitted."""
    while not (wait := await wait_of(world, account, origin)):
        pass
    return wait


async def waits(world: World, account: Account, number: int, origin: Origin = NOWHERE) -> list[int]:
    """In whole minutes, rounded up: of the guesses behind the burst, each made as soon as it is admitted."""
    seen = []
    for _ in range(number):
        wait = await guess_until_refused(world, account, origin)
        seen.append(-(-wait // 60))
        await world.advance(timedelta(seconds=wait))
    return seen


async def test_l03_waits_double_up_to_the_longest(world: World) -> None:
    ada = await registered(world)

    assert await waits(world, ada, 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_l03_guesses_that_are_made_slowly_are_counted_in_a_row_too(world: World) -> None:
    """One every two minutes never fills the bucket; it is the row of failures that slows it."""
    ada, admitted = await registered(world), 0
    for _ in range(60):
        admitted += not await wait_of(world, ada)
        await world.advance(2 * MINUTE)

    assert RULE.burst < admitted < 25


async def test_l03_one_source_is_slowed_before_the_account_is_for_others(world: World) -> None:
    """L06: whoever comes from elsewhere gets in, while the guesser waits ever longer."""
    ada = await registered(world)
    await waits(world, ada, 6, MALLORY)

    assert await guess_until_refused(world, ada, MALLORY) > 59 * 60
    assert not await wait_of(world, ada, ELSEWHERE)
    assert await wait_of(world, ada, MALLORY)


async def test_l06_what_the_account_refuses_was_no_guess_of_who_asked(world: World) -> None:
    """While strangers use up an account, its owner waits with everybody, and not longer afterwards for having tried."""
    ada = await registered(world)
    await guess_until_refused(world, ada, MALLORY)
    for _ in range(3 * RULE.burst):
        assert await wait_of(world, ada, ELSEWHERE)
    await world.advance(HOUR)

    attempt = await attempt_by_email(world, ada, ELSEWHERE)

    pair = next(each for each in attempt.allowances if each.rule == SIGN_IN_PAIR)
    assert (pair.cost, pair.failures_proven) == (MINUTE, 1)


async def test_l03_an_attempt_that_nobody_judged_takes_its_wait_off_again(world: World) -> None:
    ada = await registered(world)
    await waits(world, ada, 4)
    for _ in range(3):
        attempt = await attempt_by_email(world, ada)
        assert await guess_until_refused(world, ada) > 8 * 60
        await forgive(world, attempt)

    assert not await wait_of(world, ada)


async def test_l05_a_success_takes_off_what_its_own_source_failed_at_and_no_more(world: World) -> None:
    ada = await registered(world)
    await guess_until_refused(world, ada, MALLORY)
    await world.advance(3 * HOUR)
    for _ in range(5):
        await attempt_by_email(world, ada, ELSEWHERE)
        await world.advance(2 * HOUR)

    attempt = await attempt_by_email(world, ada, ELSEWHERE)
    await prove(world, attempt)

    row_of = {allowance.rule: allowance.failures_proven for allowance in attempt.allowances}
    assert row_of[SIGN_IN_PAIR] == row_of[SIGN_IN_ACCOUNT] == 6
    await world.advance(3 * HOUR)
    # Of the ten of the stranger none is forgotten: the eleventh in a row costs twice the first.
    await attempt_by_email(world, ada, ELSEWHERE)
    again = await attempt_by_email(world, ada, ELSEWHERE)
    assert {each.rule: each.cost for each in again.allowances}[SIGN_IN_ACCOUNT] == 4 * MINUTE
    assert {each.rule: each.cost for each in again.allowances}[SIGN_IN_PAIR] == MINUTE


async def test_l03_with_quiet_the_waits_shrink_again(world: World) -> None:
    ada = await registered(world)
    assert (await waits(world, ada, 5))[-1] == 16
    await world.advance(timedelta(days=3, hours=2))

    cost = {each.rule: each.cost for each in (await attempt_by_email(world, ada)).allowances}

    # 14 failures, less 3 that are forgotten, and the twelfth costs four.
    assert cost[SIGN_IN_ACCOUNT] == 4 * MINUTE
    await world.advance(timedelta(days=60))
    assert (await waits(world, ada, 2)) == [1, 2]


async def in_a_row(world: World, account: Account, failures: int) -> None:
    for _ in range(failures):
        await attempt_by_email(world, account)
        await world.advance(2 * HOUR)


async def test_l03_there_is_no_hundred_and_first_failure_in_a_row(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    await in_a_row(world, ada, MOST_IN_A_ROW)

    for wait in (HOUR, timedelta(days=30), timedelta(days=100)):
        assert await wait_of(world, ada) == HOUR.total_seconds()
        await world.advance(wait)
    assert not await wait_of(world, bob)

    # Another password is another authenticator.
    await world.change_password_version(ada.user.id)
    assert not await wait_of(world, ada)


async def test_l03_l06_a_success_on_a_known_device_ends_the_row(world: World) -> None:
    ada = await registered(world)
    await in_a_row(world, ada, MOST_IN_A_ROW)
    assert await wait_of(world, ada)

    await prove(world, await attempt_by_email(world, ada, device_of(ada)))

    assert not await wait_of(world, ada)


async def test_l06_a_success_on_a_known_device_leaves_a_shorter_row_alone(world: World) -> None:
    ada = await registered(world)
    await in_a_row(world, ada, 15)

    await prove(world, await attempt_by_email(world, ada, device_of(ada)))

    cost = {each.rule: each.cost for each in (await attempt_by_email(world, ada)).allowances}
    assert cost[SIGN_IN_ACCOUNT] == HOUR


async def test_l03_growth_is_exact_for_attempts_at_once(world: World) -> None:
    ada = await registered(world)
    for expected in (1, 2, 4, 8):
        answers = await asyncio.gather(*(wait_of(world, ada) for _ in range(25)))
        wait = max(answers)
        assert answers.count(0) == (RULE.burst if expected == 1 else 1)
        # One that began before the last to be admitted waits a little longer, by as much as it was overtaken.
        assert round(wait / 60) == expected
        await world.advance(timedelta(seconds=wait))


@dataclass(frozen=True)
class Step:
    """Wait, then attempt; ``outcome`` is what becomes of the attempt, if it is admitted."""

    wait: timedelta
    outcome: str


STEPS = st.lists(
    st.builds(
        Step,
        # No boundary of the rule is a multiple of seven seconds that these can add up to, so that the real time which
        # a database takes decides nothing.
        wait=st.sampled_from([7, 7, 7, 77, 707, 3_703, 90_007, 200_011]).map(lambda number: timedelta(seconds=number)),
        outcome=st.sampled_from(["wrong"] * 8 + ["forgiven", "proven"]),
    ),
    min_size=3,
    max_size=10,
)


SLOWLY = Step(timedelta(hours=2), "wrong")


@given(
    before=st.sampled_from([0, 8, 10, 13, 16]),
    steps=STEPS,
    origin=st.sampled_from([NOWHERE, MALLORY]),
)
@settings(
    max_examples=int(os.environ.get("TEST_LIMIT_EXAMPLES", "8")),
    deadline=None,
    # The world is shared by all examples, and emptied for each.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_l03_every_counter_follows_the_rule(
    world: World, before: int, steps: Sequence[Step], origin: Origin
) -> None:
    """The statements do what ``domain.limits.count`` says, whatever comes when, and behind a row of failures."""
    await world.empty()
    ada, model = await registered(world), Model(NOON, is_paired=origin is MALLORY)
    until_refused = [Step(timedelta(0), "wrong")] * RULE.burst
    for step in [*[SLOWLY] * before, *steps, *until_refused]:
        await world.advance(step.wait)
        model.now += step.wait
        wait = model.attempt()
        if wait:
            # The wait tells what every attempt before has cost.
            assert abs(await wait_of(world, ada, origin) - wait.total_seconds()) < 5
            continue
        attempt = await attempt_by_email(world, ada, origin)
        costs = {each.rule: each.cost for each in attempt.allowances if each.failures}
        assert costs == model.costs
        if step.outcome != "wrong":
            await (forgive if step.outcome == "forgiven" else prove)(world, attempt)
            model.give_back(is_proven=step.outcome == "proven")


@dataclass
class Model:
    """The counters of one account, and of one source with it, by the pure rule."""

    now: datetime
    is_paired: bool
    counters: dict[str, Counter] = field(default_factory=dict)
    costs: dict[str, timedelta] = field(default_factory=dict)
    """Of the last attempt that was admitted."""

    def attempt(self) -> timedelta:
        """The time to wait; none for an attempt that is admitted."""
        self.costs, is_slowed = {}, False
        for name in [SIGN_IN_PAIR, SIGN_IN_ACCOUNT] if self.is_paired else [SIGN_IN_ACCOUNT]:
            counter = self.counters.get(name) or Counter(self.now)
            is_counted = (
                name == SIGN_IN_ACCOUNT
                or count(LIMITS[SIGN_IN_ACCOUNT], self.counters.get(SIGN_IN_ACCOUNT), self.now).admitted
            )
            verdict = count(LIMITS[name], counter, self.now, is_slowed=is_slowed, is_counted=is_counted)
            if not verdict.admitted:
                return verdict.wait
            self.counters[name] = verdict.counter
            self.costs[name] = verdict.counter.arrival_at - max(counter.arrival_at, self.now)
            is_slowed = verdict.counter.failures > LIMITS[name].burst
        return timedelta(0)

    def give_back(self, *, is_proven: bool) -> None:
        failures = self.counters[SIGN_IN_PAIR].failures if is_proven and self.is_paired else 1
        for name, cost in self.costs.items():
            counter = self.counters[name]
            self.counters[name] = Counter(counter.arrival_at - cost, max(counter.failures - failures, 0))
