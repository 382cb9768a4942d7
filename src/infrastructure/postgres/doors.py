"""What the statement of a door says of its limits: who is refused, what is told, what may be given back."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import ceil

from asyncpg import Record

from application.origin import Origin
from domain.errors import TooManyAttempts
from domain.limits import Allowance, Counter, Rule, quota, untold, used_up
from infrastructure.metrics.catalogue import LIMITS_REFUSED
from infrastructure.refusals import Refusals

_COLUMNS = ("subject", "admitted", "arrival_at", "failures", "wait")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The hits of a statement by name, in their order; the CTE of each is called ``..._hit``.

    What is told of is the counter of ``told`` that there is. It has to be one that only they move who are told:
    what is left of an account for everybody would tell strangers how often its owner failed.
    """

    policy: str
    rules: Mapping[str, Rule]
    told: tuple[str, ...]
    published: str
    """The hit whose numbers are the policy's."""
    advisory: str | None = None
    """A hit that refuses nobody by itself."""
    alone: str | None = None
    """A hit that takes the place of all others. Only the row says whether it does."""
    advice: str | None = None
    """What is said to whom it refuses, besides how long to wait."""
    refusals: Refusals

    @property
    def columns(self) -> str:
        """For the select list; they need the joins."""
        return ", ".join(f"{name}_hit.{column} AS {name}_{column}" for name in self.rules for column in _COLUMNS)

    @property
    def joins(self) -> str:
        """For the end of the FROM clause."""
        return " ".join(f"LEFT JOIN {name}_hit ON true" for name in self.rules)

    def refuse_again(self, counters: Mapping[str, Hashable], origin: Origin) -> None:
        """Raise TooManyAttempts when one of the counters has refused a moment ago, without asking the database."""
        keys = ((self.rules[name].name, subject) for name, subject in counters.items() if subject is not None)
        if wait := self.refusals.wait(keys):
            LIMITS_REFUSED.add(f"{self.policy} repeated")
            self._refuse(wait, origin)

    def judge(self, row: Record, counters: Mapping[str, Hashable], origin: Origin) -> None:
        """Report what is left, or raise TooManyAttempts. ``counters`` is what ``refuse_again`` knows them by."""
        for name in self.rules:
            if name != self.advisory and row[f"{name}_admitted"] is False:
                wait = row[f"{name}_wait"]
                LIMITS_REFUSED.add(self.rules[name].name)
                # One that was said to be counted alone, and is not: it is asked for first the next time.
                mistaken = [self.alone] if self.alone and row[f"{self.alone}_subject"] is None else []
                for each in (name, *mistaken):
                    if counters.get(each) is not None:
                        self.refusals.note((self.rules[each].name, counters[each]), wait)
                self._refuse(max(1, ceil(wait)), origin)
        if origin.report:
            for name in self.told:
                if row[f"{name}_subject"] is not None:
                    origin.report(quota(self.policy, self.rules[name], self._counter(row, name), row["now"]))
                    return
            origin.report(untold(self.policy, self.rules[self.published]))

    def allowances(self, row: Record) -> tuple[Allowance, ...]:
        """The counters that the attempt was counted on. What one of a device or a pair had before is proven with it."""
        own = next((failures for name in ("device", "pair") if (failures := row.get(f"{name}_failures"))), 1)
        is_slowed = "pair" in self.rules and own > self.rules["pair"].burst
        return tuple(
            self._allowance(row, name, own, is_slowed=is_slowed and name == "account")
            for name in self.rules
            if row[f"{name}_admitted"]
        )

    def _allowance(self, row: Record, name: str, proven: int, *, is_slowed: bool) -> Allowance:
        rule = self.rules[name]
        grows, before = rule.longest_wait is not None, max(row[f"{name}_failures"] - 1, 0)
        return Allowance(
            rule.name,
            row[f"{name}_subject"],
            rule.interval if is_slowed else rule.cost(before),
            failures=int(grows),
            failures_proven=proven if grows else 0,
        )

    def _refuse(self, wait: int, origin: Origin) -> None:
        if origin.report:
            origin.report(used_up(self.policy, self.rules[self.published], wait))
        raise TooManyAttempts(self.advice, retry_after=wait)

    def _counter(self, row: Record, name: str) -> Counter:
        return Counter(row[f"{name}_arrival_at"], row[f"{name}_failures"])
