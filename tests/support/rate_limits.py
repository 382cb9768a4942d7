"""Counters of attempts in memory, by the rule of the domain, and whom they count."""

import ipaddress
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from application.origin import Origin
from domain.errors import TooManyAttempts
from domain.limits import MOST_IN_A_ROW, Allowance, Counter, Rule, count, quota, untold, used_up
from tests.support.world import SIGN_IN_ACCOUNT, SIGN_IN_DEVICE, SIGN_IN_PAIR

Key = tuple[str, bytes]
"""Rule and subject."""
Counters = dict[Key, Counter]

WHOSE_FAILURES_ARE_ONES_OWN = (SIGN_IN_DEVICE, SIGN_IN_PAIR)


@dataclass(frozen=True)
class Journey:
    """What one attempt is counted on, in this order; ``budget`` is that of all."""

    policy: str
    keys: Iterable[Key]
    told: str
    published: str | None = None
    budget: Key | None = None
    is_counted: bool = True
    refused: Callable[[str], None] = field(default=lambda _rule: None)
    """Told of the rule of a refusal that is not only for want of budget."""


def count_journey(
    counters: Counters, limits: Mapping[str, Rule], journey: Journey, origin: Origin, now: datetime
) -> tuple[Allowance, ...]:
    """Count an attempt on each counter up to the first that refuses it. Raises TooManyAttempts."""
    allowances: list[Allowance] = []
    is_strained = journey.budget is not None and not count_one(dict(counters), limits, journey.budget, now)
    for key in journey.keys:
        rule = limits[key[0]]
        is_bound = is_strained and journey.budget is not None
        is_slowed = rule.name == SIGN_IN_ACCOUNT and any(
            each.rule == SIGN_IN_PAIR and counters[each.rule, each.subject].failures > limits[SIGN_IN_PAIR].burst
            for each in allowances
        )
        is_counted = journey.is_counted and not (
            rule.name == SIGN_IN_PAIR and _refuses_account(counters, limits, journey, now, is_strained=is_bound)
        )
        verdict = count(rule, counters.get(key), now, is_strained=is_bound, is_slowed=is_slowed, is_counted=is_counted)
        if not verdict.admitted:
            if not is_strained:
                journey.refused(rule.name)
            _refuse(journey, limits, origin, verdict.wait)
        counters[key] = verdict.counter
        cost = rule.interval if is_slowed else rule.cost(max(verdict.counter.failures - 1, 0))
        allowances.append(Allowance(*key, cost, failures=int(rule.longest_wait is not None)))
        if rule.name == journey.told and origin.report:
            origin.report(quota(journey.policy, rule, verdict.counter, now))
    if journey.budget and journey.is_counted and count_one(counters, limits, journey.budget, now):
        rule = limits[journey.budget[0]]
        allowances.append(Allowance(*journey.budget, rule.interval))
    if origin.report and not any(key[0] == journey.told for key in journey.keys):
        origin.report(untold(journey.policy, limits[journey.published or journey.told]))
    own = [counters[key].failures for key in journey.keys if key[0] in WHOSE_FAILURES_ARE_ONES_OWN]
    proven = max([1, *own])
    return tuple(replace(each, failures_proven=proven) if each.failures else each for each in allowances)


def _refuses_account(
    counters: Counters, limits: Mapping[str, Rule], journey: Journey, now: datetime, *, is_strained: bool
) -> bool:
    """Whether the account will refuse what is counted on source and account before it."""
    account = [key for key in journey.keys if key[0] == SIGN_IN_ACCOUNT]
    return any(
        not count(limits[SIGN_IN_ACCOUNT], counters.get(key), now, is_strained=is_strained).admitted for key in account
    )


def _refuse(journey: Journey, limits: Mapping[str, Rule], origin: Origin, wait: timedelta) -> None:
    seconds = max(1, math.ceil(wait.total_seconds()))
    if origin.report:
        origin.report(used_up(journey.policy, limits[journey.published or journey.told], seconds))
    raise TooManyAttempts(retry_after=seconds)


def count_one(counters: Counters, limits: Mapping[str, Rule], key: Key, now: datetime) -> bool:
    """Count one attempt on one counter; whether it is admitted."""
    verdict = count(limits[key[0]], counters.get(key), now)
    if verdict.admitted:
        counters[key] = verdict.counter
    return verdict.admitted


def give_back(counters: Counters, allowances: Iterable[Allowance], *, proven: bool = False) -> None:
    """Take one attempt off its counters."""
    for allowance in allowances:
        key = (allowance.rule, allowance.subject)
        failures = allowance.failures_proven if proven else allowance.failures
        if (counter := counters.get(key)) and (allowance.cost or counter.failures >= MOST_IN_A_ROW):
            left = 0 if failures >= MOST_IN_A_ROW else max(counter.failures - failures, 0)
            counters[key] = Counter(counter.arrival_at - allowance.cost, left)


def source_of(ip_address: str) -> bytes:
    """Whom to count an address as: IPv4 by itself, IPv6 by the /64 that one subscriber gets (L04)."""
    address = ipaddress.ip_address(ip_address)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return ipaddress.ip_network((address, 64), strict=False).network_address.packed
        address = address.ipv4_mapped
    return address.packed
