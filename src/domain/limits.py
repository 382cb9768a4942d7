"""How often something may be tried, and how long whoever fails has to wait.

A generic cell rate algorithm (ITU-T I.371): a counter is the time at which its bucket would be empty again. Where
waits grow, it also knows how many failures there were in a row: behind the burst each costs twice the one before, so
that the waits are 1, 2, 4 ... intervals, and the hundredth is the last (NIST 800-63B-4 3.2.2).

The statements of ``infrastructure.postgres.counters`` do the same, and a property test holds them to it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

MOST_IN_A_ROW = 100
"""Failures without a success between them, of anything whose waits grow (NIST 800-63B-4 3.2.2)."""
QUIET = timedelta(days=1)
"""So long a counter has to be empty for one failure in a row to be forgotten."""
HELD_FOR = timedelta(days=365)
"""So long a counter that had the last of them is kept, unless the password is changed or proven elsewhere."""

_NOTHING = timedelta(0)
_MOST_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``burst`` attempts at once, and ``burst`` in a ``period`` from then on.

    With ``longest_wait`` the waits grow up to that, and are kept in memory for as long as the failures go on.
    """

    name: str
    burst: int
    period: timedelta
    longest_wait: timedelta | None = None

    @property
    def interval(self) -> timedelta:
        """What one attempt costs, in whole microseconds."""
        return self.period // self.burst

    @property
    def room(self) -> timedelta:
        """What a full counter holds: the period, but for what dividing it leaves, or one attempt more could fit."""
        return self.interval * self.burst

    @property
    def longest_cost(self) -> timedelta:
        """What an attempt costs at most."""
        return self.interval if self.longest_wait is None else max(self.longest_wait, self.interval)

    def cost(self, failures: int) -> timedelta:
        """What an attempt costs behind so many failures in a row."""
        doublings = min(max(failures + 1 - self.burst, 0), _MOST_DOUBLINGS)
        return min(self.interval * (1 << doublings), self.longest_cost)


class Counter(NamedTuple):
    """The state of one counter."""

    arrival_at: datetime
    """When its bucket is empty."""
    failures: int = 0
    """In a row, as far as they are remembered; 0 where waits do not grow."""

    def remembered(self, now: datetime) -> int:
        """The failures in a row that quiet has not made forgotten by now."""
        quiet = max(now - self.arrival_at, _NOTHING)
        if self.failures >= MOST_IN_A_ROW:
            return self.failures if quiet < HELD_FOR else 0
        return max(self.failures - quiet // QUIET, 0)


class Verdict(NamedTuple):
    """What becomes of an attempt: the counter afterwards, and for a refused one the time to wait."""

    admitted: bool
    counter: Counter
    wait: timedelta = _NOTHING


def count(
    rule: Rule,
    counter: Counter | None,
    now: datetime,
    *,
    is_strained: bool = False,
    is_slowed: bool = False,
    is_counted: bool = True,
) -> Verdict:
    """Judge an attempt, and count it if it is admitted.

    While the budget of all is used up (``is_strained``), a counter admits an attempt only if it is empty. One that
    another counter's waits have slowed already (``is_slowed``) costs no more than the first, so that it takes nobody
    else's place. One that ``is_counted`` says no of is judged alike, and costs nothing.
    """
    counter = counter or Counter(now)
    failures, later = counter.remembered(now), max(counter.arrival_at, now)
    if failures >= MOST_IN_A_ROW:
        return Verdict(admitted=False, counter=counter, wait=rule.longest_cost)
    wait = later + rule.interval - now - (rule.interval if is_strained else rule.room)
    if wait > _NOTHING:
        return Verdict(admitted=False, counter=counter, wait=wait)
    if not is_counted:
        return Verdict(admitted=True, counter=Counter(later, failures))
    grows, cost = rule.longest_wait is not None, rule.interval if is_slowed else rule.cost(failures)
    return Verdict(admitted=True, counter=Counter(later + cost, failures + 1 if grows else 0))


@dataclass(frozen=True, slots=True)
class Quota:
    """What may be told of a limit: its policy, and how much of that is left.

    ``window`` and ``reset`` are in seconds; ``reset`` is when all of it is there again, or, where nothing is left, when
    the next attempt is admitted.
    """

    policy: str
    limit: int
    window: int
    remaining: int | None
    """``None`` where it is not told."""
    reset: int


def quota(policy: str, rule: Rule, counter: Counter, now: datetime) -> Quota:
    """What is left behind an attempt that was admitted.

    In whole intervals, so that equal histories look equal however fast they were (L01).
    """
    backlog = max(counter.arrival_at - now, _NOTHING)
    reset = ceil(backlog / rule.interval) * rule.interval
    return Quota(policy, rule.burst, _seconds(rule.period), _remaining(rule, counter, now), _seconds(reset))


def _remaining(rule: Rule, counter: Counter, now: datetime) -> int:
    """How many attempts would be admitted now, one right after the other."""
    remaining = 0
    while remaining <= rule.burst:
        verdict = count(rule, counter, now)
        if not verdict.admitted:
            break
        counter, remaining = verdict.counter, remaining + 1
    return remaining


def untold(policy: str, rule: Rule) -> Quota:
    """The policy alone: where what is left would tell two names of one account from names of two (L01)."""
    return Quota(policy, rule.burst, _seconds(rule.period), None, 0)


def used_up(policy: str, rule: Rule, wait: int) -> Quota:
    """What is told with a refusal: nothing is left for ``wait`` seconds, whichever counter it was."""
    return Quota(policy, rule.burst, _seconds(rule.period), 0, wait)


def _seconds(duration: timedelta) -> int:
    return ceil(duration.total_seconds())


@dataclass(frozen=True, slots=True)
class Allowance:
    """A counter that an attempt was counted on, and what it cost there, to be given back."""

    rule: str
    subject: bytes
    cost: timedelta
    failures: int = 0
    """That it was counted as."""
    failures_proven: int = 0
    """That were no guesses, once the password turns out to be right: of the same device, or source and account."""
