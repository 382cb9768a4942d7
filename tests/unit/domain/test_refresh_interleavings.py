"""All ways in which one or two holders of a session's tokens can go on, up to some depth.

A holder presents the newest token they have, and goes on with the answer if it reaches them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from domain.sessions.refresh_chain import GRACE, RefreshChain, RefreshOutcome
from tests.support.builders import NOON

OWNER, THIEF = 0, 1
PUNCTUAL = timedelta(seconds=1)
LATE = GRACE + timedelta(seconds=1)


@dataclass(frozen=True)
class Move:
    """Somebody presents their token after a while; the answer may get lost on its way to them."""

    wait: timedelta
    holder: int = OWNER
    is_lost: bool = False


@dataclass
class Story:
    """What becomes of a chain. Tokens are known by their generation, and told apart by their secret's number."""

    chain: RefreshChain = field(default_factory=RefreshChain)
    now: datetime = NOON
    secrets: dict[int, int] = field(default_factory=lambda: {0: 0})
    """By generation: a second one for a generation would be a second chain."""
    holds: dict[int, int] = field(default_factory=lambda: {OWNER: 0, THIEF: 0})
    """The generation each holder's newest token is of."""
    answered_late: set[int] = field(default_factory=set)
    """Generations whose predecessor was answered out of the grace."""
    minted: int = 0
    is_over: bool = False

    def tell(self, move: Move) -> RefreshOutcome:
        self.now += move.wait
        self.minted += 1
        before, generation = self.chain, self.holds[move.holder]
        self.chain, outcome = before.present(
            generation, is_current_secret=generation == before.generation, now=self.now
        )
        if outcome is RefreshOutcome.ROTATED:
            assert generation + 1 not in self.secrets, "a second chain"
            self.secrets[generation + 1] = self.minted
        if outcome in {RefreshOutcome.ROTATED, RefreshOutcome.REPEATED}:
            assert generation + 1 == self.chain.generation == max(self.secrets), "an answer off the chain"
            if not move.is_lost:
                self.holds[move.holder] = generation + 1
        if outcome is RefreshOutcome.REPEATED and self.now - (before.rotated_at or NOON) > GRACE:
            self.answered_late.add(generation + 1)
        self.is_over = outcome is RefreshOutcome.REUSED
        return outcome

    def fork(self) -> "Story":
        return replace(self, secrets=dict(self.secrets), holds=dict(self.holds), answered_late=set(self.answered_late))


def every_story(moves: list[Move], depth: int) -> Iterator[list[tuple[Story, RefreshOutcome]]]:
    """Each way to make so many of the moves, as the states after each; shorter where the session ends."""
    yield from _go_on(Story(), [], moves, depth)


def _go_on(
    story: Story, so_far: list[tuple[Story, RefreshOutcome]], moves: list[Move], depth: int
) -> Iterator[list[tuple[Story, RefreshOutcome]]]:
    if depth == 0 or story.is_over:
        yield so_far
        return
    for move in moves:
        then = story.fork()
        outcome = then.tell(move)
        yield from _go_on(then, [*so_far, (then, outcome)], moves, depth - 1)


def test_r01_there_is_one_chain_whoever_presents_whatever() -> None:
    """R01: the assertions are in :meth:`Story.tell`."""
    moves = [
        Move(wait, holder, lost) for wait, holder, lost in product((PUNCTUAL, LATE), (OWNER, THIEF), (False, True))
    ]

    outcomes = {outcome for story in every_story(moves, 5) for _, outcome in story}

    assert outcomes == set(RefreshOutcome)


@pytest.mark.parametrize("wait", [timedelta(0), PUNCTUAL, LATE, timedelta(days=13)])
def test_a_single_holder_whose_answers_arrive_always_rotates(wait: timedelta) -> None:
    for story in every_story([Move(wait), Move(2 * wait)], 6):
        assert {outcome for _, outcome in story} == {RefreshOutcome.ROTATED}


def test_a_single_holder_who_retries_within_the_grace_never_loses_the_session() -> None:
    """However many answers are lost. What is waited before a *new* refresh does not matter."""
    retries = [Move(wait, is_lost=lost) for wait, lost in product((timedelta(0), PUNCTUAL), (False, True))]

    for story in every_story(retries, 6):
        assert not {outcome for _, outcome in story} & {RefreshOutcome.REFUSED, RefreshOutcome.REUSED}


def test_a_single_holder_loses_the_session_only_by_late_retries_in_two_generations_running() -> None:
    """The price of seeing two holders: a phone that loses two answers in a row and sleeps after each signs in again."""
    moves = [Move(wait, is_lost=lost) for wait, lost in product((PUNCTUAL, LATE), (False, True))]
    endings = 0

    for story in every_story(moves, 7):
        for state, outcome in story:
            generation = state.chain.generation
            assert outcome is not RefreshOutcome.REFUSED
            if outcome is RefreshOutcome.REUSED:
                assert generation - 1 in state.answered_late
                assert state.now - (state.chain.rotated_at or NOON) > GRACE
                endings += 1
            else:
                assert not {generation, generation - 1} <= state.answered_late
    assert endings


def test_owner_and_thief_who_take_turns_late_are_found_within_two_generations() -> None:
    for first in (OWNER, THIEF):
        story = Story()

        assert [story.tell(Move(LATE, (first + turn) % 2)) for turn in range(4)] == [
            RefreshOutcome.ROTATED,
            RefreshOutcome.REPEATED,
            RefreshOutcome.ROTATED,
            RefreshOutcome.REUSED,
        ]
        assert story.chain.generation == 2


def test_r04_whoever_falls_behind_a_second_time_ends_the_session_in_whatever_order_two_go_on_late() -> None:
    """R04: the first time may be a phone that slept; then both hold one token, and the next generation tells."""
    for story in every_story([Move(LATE, OWNER), Move(LATE, THIEF)], 9):
        behind = [outcome for _, outcome in story if outcome is not RefreshOutcome.ROTATED]
        assert behind in (
            [],
            [RefreshOutcome.REPEATED],
            [RefreshOutcome.REUSED],
            [RefreshOutcome.REPEATED, RefreshOutcome.REUSED],
        )


def test_a_thief_who_comes_generations_later_ends_the_session() -> None:
    story = Story()
    for _ in range(3):
        story.tell(Move(LATE, OWNER))

    assert story.tell(Move(PUNCTUAL, THIEF)) is RefreshOutcome.REUSED


def test_an_owner_who_comes_after_a_busy_thief_ends_the_session() -> None:
    story = Story()
    for _ in range(3):
        story.tell(Move(LATE, THIEF))

    assert story.tell(Move(LATE, OWNER)) is RefreshOutcome.REUSED
