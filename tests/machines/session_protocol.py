"""The machine that uses sessions in every way there is, and holds each answer to the contract."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.machines.contract_model import AccountModel, Tokens
from tests.machines.operations import (
    ChangePassword,
    Delete,
    Disable,
    Enable,
    End,
    EndAll,
    LogOut,
    Look,
    Operation,
    Refresh,
    SignIn,
    explained,
)
from tests.machines.target import Target

# Multiples of six seconds, of which no sum is close to a boundary: 10 s, 1 h, 24 h, 14 and 90 days.
SHORT_WAITS = st.sampled_from([timedelta(0), timedelta(seconds=6), timedelta(seconds=12), timedelta(seconds=12)])
LONG_WAITS = st.sampled_from(
    [timedelta(minutes=42), timedelta(minutes=66), timedelta(hours=23), timedelta(days=9), timedelta(days=15)]
)
AGES = st.sampled_from([0, 1, 1, 2, 2, 3])
"""0 for the current token, 1 for the one just replaced."""
ENDS = st.sampled_from(
    ["one", "one", "this one", "the others", "all", "all by a new password", "all by the operator", "the account"]
)
CHOICES = st.integers(0, 59)
PLACES = st.integers(0, 102)
MOST_SESSIONS = 6
BETWEEN_ENDS = 2
"""Rules, at least, so that sessions live long enough to have a history."""
AT_ONCE = 5
"""Operations that overlap, at most."""

seen: Counter[str] = Counter()
"""What was tried, for figures."""
failures: list[Exception] = []
"""What was found, however the search went on from there."""


class SessionProtocol(RuleBasedStateMachine):
    """``may_be`` is how things may stand: more than one way only after overlapping requests."""

    def __init__(self, target: Target, runner: asyncio.Runner) -> None:
        super().__init__()
        self.target = target
        self.runner = runner
        self.may_be: set[AccountModel] = {AccountModel()}
        self.tokens: dict[str, list[str]] = {}
        """What was given out, by session."""
        self.rules_since_end = 0
        seen["runs"] += 1

    @property
    def sessions(self) -> list[str]:
        return list(self.tokens)

    @property
    def live(self) -> list[str]:
        account = next(iter(self.may_be))
        return [session for session in self.sessions if account.is_live(session)]

    @initialize(remember=st.booleans(), last=ENDS)
    def begin(self, remember: bool, last: str) -> None:
        self.last = last
        self.runner.run(self.target.begin())
        self.happens(SignIn(remember))

    def happens(self, *operations: Operation) -> None:
        """Ask for them, at once if there are several: some order of them has to explain all the answers."""
        # What has passed by itself since the last step is taken back, however busy the machine is.
        self.runner.run(self.target.wait(timedelta(0)))
        try:
            self.hold_to_the_contract(operations)
        except Exception as failure:
            failures.append(failure)
            raise

    def hold_to_the_contract(self, operations: Sequence[Operation]) -> None:
        if len(operations) == 1:
            answers = [self.runner.run(self.target.ask(operations[0]))]
        else:
            answers = list(self.runner.run(self.target.ask_at_once(operations)))
        then = {after for before in self.may_be for after in explained(before, operations, answers)}
        for operation, answer in zip(operations, answers, strict=True):
            seen[f"{type(operation).__name__} {'granted' if answer else 'refused'}"] += 1
        assert then, f"of {self.may_be}\n{list(zip(operations, answers, strict=True))} cannot come"
        self.may_be = then
        for answer in answers:
            if isinstance(answer, Tokens) and answer.refresh_token not in self.tokens.setdefault(answer.session, []):
                self.tokens[answer.session].append(answer.refresh_token)
        seen["steps"] += 1
        seen["operations"] += len(operations)

    def time_passes(self, by: timedelta) -> None:
        self.runner.run(self.target.wait(by))
        self.may_be = {account.later(by) for account in self.may_be}

    @precondition(lambda self: self.rules_since_end > BETWEEN_ENDS)
    @rule(by=LONG_WAITS)
    def long_time_passes(self, by: timedelta) -> None:
        """After which some or all have expired."""
        self.rules_since_end = 0
        self.time_passes(by)

    @rule(remember=st.booleans())
    def sign_in(self, remember: bool) -> None:
        """Or, where there are enough sessions, look at them."""
        if len(self.tokens) < MOST_SESSIONS:
            self.happens(SignIn(remember))
        else:
            self.look_everywhere()

    @rule(which=CHOICES, age=AGES, wait=SHORT_WAITS)
    def refresh(self, which: int, age: int, wait: timedelta) -> None:
        tokens = self.tokens[self.some_session(which)]
        self.time_passes(wait)
        self.happens(Refresh(tokens[max(len(tokens) - 1 - age, 0)]))

    @rule(which=CHOICES, waits=st.lists(SHORT_WAITS, min_size=2, max_size=4))
    def go_on_refreshing(self, which: int, waits: list[timedelta]) -> None:
        """As a client does whose answers arrive."""
        self.go_on(self.lively_session(which), waits)

    def go_on(self, session: str, waits: list[timedelta]) -> None:
        for wait in waits:
            self.time_passes(wait)
            self.happens(Refresh(self.tokens[session][-1]))

    @rule(which=CHOICES, waits=st.lists(SHORT_WAITS, min_size=2, max_size=3), age=st.integers(1, 3))
    def go_on_beside_a_thief(self, which: int, waits: list[timedelta], age: int) -> None:
        """As a client does while somebody else keeps a token."""
        session = self.lively_session(which)
        self.go_on(session, waits)
        kept = self.tokens[session][:-age]
        self.happens(Refresh((kept or self.tokens[session])[-1]))

    @rule(which=CHOICES, waits=st.lists(SHORT_WAITS, min_size=2, max_size=4))
    def go_on_losing_answers(self, which: int, waits: list[timedelta]) -> None:
        """As a client does that has to ask again each time."""
        session = self.lively_session(which)
        for wait in waits:
            token = self.tokens[session][-1]
            self.happens(Refresh(token))
            self.time_passes(wait)
            self.happens(Refresh(token))

    @rule(which=CHOICES, age=st.integers(0, 3), place=PLACES)
    def refresh_with_a_forged_token(self, which: int, age: int, place: int) -> None:
        tokens = self.tokens[self.some_session(which)]
        self.happens(Refresh(self.target.forged(tokens[max(len(tokens) - 1 - age, 0)], place)))

    @rule(which=CHOICES, asked=st.lists(st.integers(0, 11), min_size=2, max_size=AT_ONCE))
    def several_at_once(self, which: int, asked: list[int]) -> None:
        """Refreshes with tokens of one session of any age, and now and then an end of it between them."""
        session = self.lively_session(which)
        newest = self.tokens[session][-3:]
        ends = [Look(session), LogOut(session), End(session, self.sessions[0])]
        self.happens(*(ends[one] if one < len(ends) else Refresh(newest[one % len(newest)]) for one in asked))
        seen["rounds at once"] += 1

    @precondition(lambda self: self.rules_since_end > BETWEEN_ENDS)
    @rule(end=ENDS, by=CHOICES, other=CHOICES)
    def something_ends(self, end: str, by: int, other: int) -> None:
        self.rules_since_end = 0
        self.end(end, by=self.some_session(by), other=self.some_session(other))

    def end(self, what: str, *, by: str, other: str) -> None:
        match what:
            case "one":
                self.happens(End(other, by))
            case "this one":
                self.happens(LogOut(by))
            case "the others" | "all":
                self.happens(EndAll(by, but_current=what == "the others"))
            case "all by a new password":
                self.happens(ChangePassword(by))
            case "all by the operator":
                self.happens(Disable())
            case "the account":
                self.happens(Delete(by))

    @rule()
    def look_everywhere(self) -> None:
        for session in self.sessions:
            self.happens(Look(session))

    def some_session(self, which: int) -> str:
        """More often one that lives. Chosen by a number: what is drawn must not depend on how a race ended."""
        choice = self.live * 3 + self.sessions
        return choice[which % len(choice)]

    def lively_session(self, which: int) -> str:
        """One that lives, which somebody may have to sign in for."""
        if not self.live:
            if not any(account.is_open for account in self.may_be):
                self.happens(Enable())
            self.happens(SignIn(remember=bool(which % 2)))
        return self.some_session(which)

    @invariant()
    def a_rule_was_followed(self) -> None:
        self.rules_since_end += 1

    @invariant()
    def there_is_one_chain_a_session(self) -> None:
        for account in self.may_be:
            for name, session in account.sessions:
                assert list(session.tokens) == self.tokens[name], "a second chain"

    def teardown(self) -> None:
        """Something ends, and whatever lives after that answers, and what has ended does not, by either token."""
        if self.tokens:
            sessions = self.live or self.sessions
            self.end(self.last, by=sessions[-1], other=sessions[0])
            self.look_everywhere()
            for tokens in self.tokens.values():
                self.happens(Refresh(tokens[-1]))
        seen.update({"sessions": len(self.tokens), "tokens": sum(map(len, self.tokens.values()))})


def figures() -> Sequence[str]:
    """What was tried so far."""
    return [f"{number} {what}" for what, number in sorted(seen.items())]
