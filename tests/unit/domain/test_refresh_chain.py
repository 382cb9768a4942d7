"""The refresh rule, row by row and at its boundaries."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.sessions.refresh_chain import GRACE, RefreshChain, RefreshOutcome
from tests.support.builders import NOON

MICROSECOND = timedelta(microseconds=1)
LATE = GRACE + MICROSECOND

ROTATED, REPEATED = RefreshOutcome.ROTATED, RefreshOutcome.REPEATED
REFUSED, REUSED = RefreshOutcome.REFUSED, RefreshOutcome.REUSED


def chain_at(
    generation: int,
    *,
    rotated: timedelta = timedelta(0),
    before: timedelta = timedelta(0),
    late: tuple[bool, bool] = (False, False),
) -> RefreshChain:
    """A chain whose last two rotations were so long ago; ``late`` says it of the generation before, and of this one."""
    return RefreshChain(
        generation=generation,
        rotated_at=NOON - rotated,
        previous_rotated_at=NOON - before if generation > 1 else None,
        previous_late=late[0],
        late=late[1],
    )


def test_the_grace_is_ten_seconds() -> None:
    assert timedelta(seconds=10) == GRACE


def test_the_first_token_is_replaced() -> None:
    chain, outcome = RefreshChain().present(0, is_current_secret=True, now=NOON)

    assert outcome is ROTATED
    assert chain == RefreshChain(generation=1, rotated_at=NOON)


@pytest.mark.parametrize("late", [(False, False), (True, False), (False, True)])
def test_a_rotation_moves_times_and_marks_back_by_one(late: tuple[bool, bool]) -> None:
    chain, outcome = chain_at(5, rotated=LATE, before=2 * LATE, late=late).present(5, is_current_secret=True, now=NOON)

    assert outcome is ROTATED
    assert chain == RefreshChain(
        generation=6, rotated_at=NOON, previous_rotated_at=NOON - LATE, late=False, previous_late=late[1]
    )


@pytest.mark.parametrize("late", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("rotated", [timedelta(0), GRACE])
def test_the_token_before_is_answered_again_within_the_grace(rotated: timedelta, late: tuple[bool, bool]) -> None:
    chain = chain_at(5, rotated=rotated, before=LATE, late=late)

    assert chain.present(4, is_current_secret=False, now=NOON) == (chain, REPEATED)


@pytest.mark.parametrize("already", [False, True])
def test_a_late_answer_is_marked(*, already: bool) -> None:
    chain = chain_at(5, rotated=LATE, before=LATE, late=(False, already))

    assert chain.present(4, is_current_secret=False, now=NOON) == (replace(chain, late=True), REPEATED)


@pytest.mark.parametrize("rotated", [LATE, timedelta(days=80)])
def test_late_answers_in_two_generations_running_are_reuse(rotated: timedelta) -> None:
    chain = chain_at(5, rotated=rotated, before=timedelta(days=80), late=(True, False))

    assert chain.present(4, is_current_secret=False, now=NOON) == (chain, REUSED)


@pytest.mark.parametrize(
    ("rotated", "before", "outcome"),
    [
        (timedelta(0), timedelta(0), REFUSED),
        (timedelta(0), GRACE, REFUSED),
        (GRACE, GRACE, REFUSED),
        (timedelta(0), LATE, REUSED),
        (GRACE, LATE, REUSED),
        (LATE, LATE, REUSED),
    ],
)
@pytest.mark.parametrize("age", [2, 3, 5])
def test_an_older_token_is_a_straggler_in_a_burst_and_reuse_outside(
    age: int, rotated: timedelta, before: timedelta, outcome: RefreshOutcome
) -> None:
    chain = chain_at(5, rotated=rotated, before=before)

    assert chain.present(5 - age, is_current_secret=False, now=NOON) == (chain, outcome)


@pytest.mark.parametrize("is_current_secret", [True, False])
@pytest.mark.parametrize("generation", [6, 7, 1_000_000])
def test_a_token_of_the_future_changes_nothing(generation: int, *, is_current_secret: bool) -> None:
    chain = chain_at(5, rotated=LATE, before=LATE)

    assert chain.present(generation, is_current_secret=is_current_secret, now=NOON) == (chain, REFUSED)


@pytest.mark.parametrize("chain", [RefreshChain(), chain_at(1), chain_at(5, rotated=LATE, before=LATE)])
def test_another_secret_of_the_current_generation_changes_nothing(chain: RefreshChain) -> None:
    assert chain.present(chain.generation, is_current_secret=False, now=NOON) == (chain, REFUSED)
