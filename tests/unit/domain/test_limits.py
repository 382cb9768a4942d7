"""The rule of limits, by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.limits import HELD_FOR, MOST_IN_A_ROW, Counter, Rule, count, quota

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = Rule("rule", 10, timedelta(minutes=10), timedelta(hours=1))


def after(rule: Rule, attempts: int, now: datetime = NOON) -> Counter:
    counter = Counter(now)
    for _ in range(attempts):
        verdict = count(rule, counter, now)
        assert verdict.admitted
        counter = verdict.counter
    return counter


@given(st.integers(1, 5000), st.integers(1, 86_400))
def test_a_burst_is_as_many_as_it_says_whatever_the_period(burst: int, seconds: int) -> None:
    """Also where the period does not divide."""
    rule = Rule("rule", burst, timedelta(seconds=seconds))
    full = Counter(NOON + burst * rule.interval)

    assert count(rule, Counter(NOON + (burst - 1) * rule.interval), NOON).admitted
    assert not count(rule, full, NOON).admitted


@given(st.integers(1, 100), st.lists(st.integers(0, 7200), min_size=1, max_size=300))
def test_l03_never_more_than_a_hundred_in_a_row(burst: int, waits: list[int]) -> None:
    rule = Rule("rule", burst, timedelta(minutes=10), timedelta(hours=1))
    counter, now, admitted = Counter(NOON), NOON, 0
    for wait in waits:
        now += timedelta(seconds=wait)
        verdict = count(rule, counter, now)
        assert verdict.admitted or verdict.wait > timedelta(0)
        counter, admitted = verdict.counter, admitted + verdict.admitted
    assert admitted <= MOST_IN_A_ROW


def test_l03_whoever_waits_as_long_as_told_is_admitted() -> None:
    counter, now = after(RULE, RULE.burst), NOON
    for _ in range(20):
        refused = count(RULE, counter, now)
        assert not refused.admitted
        assert not count(RULE, counter, now + refused.wait - timedelta(microseconds=1)).admitted
        now += refused.wait
        counter = count(RULE, counter, now).counter


def test_a_guesser_gets_some_dozens_a_day_and_a_hundred_in_all() -> None:
    """What the operator guide says."""
    counter, now, days = Counter(NOON), NOON, []
    for _ in range(MOST_IN_A_ROW + 1):
        verdict = count(RULE, counter, now)
        if not verdict.admitted:
            if verdict.counter.failures >= MOST_IN_A_ROW:
                break
            now += verdict.wait
            verdict = count(RULE, counter, now)
        counter = verdict.counter
        days.append((now - NOON).days)

    assert [days.count(day) for day in range(5)] == [38, 24, 24, 14, 0]


def test_what_is_told_is_in_whole_intervals() -> None:
    counter = after(RULE, 3)

    for late in (0, 1, 59):
        told = quota("sign-in", RULE, counter, NOON + timedelta(seconds=late))
        assert (told.limit, told.window, told.remaining, told.reset) == (10, 600, 7, 180)


def test_what_is_told_is_what_will_be_admitted() -> None:
    for failures in range(MOST_IN_A_ROW + 1):
        counter = Counter(NOON, failures)
        told = quota("sign-in", RULE, counter, NOON)
        assert told.remaining == len(_admitted(counter))


def _admitted(counter: Counter) -> list[Counter]:
    admitted = []
    while (verdict := count(RULE, counter, NOON)).admitted:
        counter = verdict.counter
        admitted.append(counter)
    return admitted


def test_the_hundredth_is_forgotten_after_a_year_and_not_before() -> None:
    last = Counter(NOON, MOST_IN_A_ROW)

    assert last.remembered(NOON + HELD_FOR - timedelta(microseconds=1)) == MOST_IN_A_ROW
    assert last.remembered(NOON + HELD_FOR) == 0
    refused = count(RULE, last, NOON)
    assert (refused.admitted, refused.counter, refused.wait) == (False, last, RULE.longest_cost)


def test_what_is_not_counted_changes_nothing() -> None:
    assert count(RULE, Counter(NOON, 7), NOON, is_counted=False) == (True, Counter(NOON, 7), timedelta(0))


def test_failures_are_remembered_where_waits_grow_alone() -> None:
    assert after(RULE, 3).failures == 3
    assert after(replace(RULE, longest_wait=None), 3).failures == 0
