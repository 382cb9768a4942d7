"""The explicit-state model of a session: all of it in small, and mistakes that it has to find.

`python -m tools.session_model` explores more of it.
"""

import os
from dataclasses import dataclass, replace

import pytest

from domain.sessions.refresh_chain import RefreshChain, RefreshOutcome
from tools.session_model import sentences
from tools.session_model.checker import explore
from tools.session_model.model import SessionModel
from tools.session_model.service import Service, ended
from tools.session_model.states import Row, State, Token

GENERATIONS = int(os.environ.get("TEST_MODEL_GENERATIONS", "1"))
SMALL = SessionModel(generations=2, under_way=2, second_sign_in=False)
SIGNING_IN = SessionModel(generations=1, under_way=1)
LONG = SessionModel(generations=2, under_way=1, second_sign_in=False)


@pytest.mark.parametrize(
    "model",
    [replace(SMALL, generations=GENERATIONS), SIGNING_IN, LONG],
    ids=["two messages", "a second sign-in", "a long chain"],
)
def test_r01_r02_r03_r04_o02_all_states_keep_the_sentences(model: SessionModel) -> None:
    found = explore(model)
    assert found.counterexample is None
    assert found.states > 1000


class ForgetsWhoWon(Service):
    """Judges the row as its snapshot was: two that began together both rotate."""

    def refresh(self, row: Row, token: Token, made: tuple[int, ...]) -> tuple[Row, RefreshOutcome, Token | None]:
        if row.ended is None and row.generation == token.generation + 1 and row.age == 0:
            fresh = Token(row.generation, made[row.generation])
            return row._replace(secret=fresh.secret), RefreshOutcome.ROTATED, fresh
        return Service.refresh(self, row, token, made)


class MarksNoLateAnswer(Service):
    def kept(self, row: Row, chain: RefreshChain, outcome: RefreshOutcome) -> Row:
        return Service.kept(self, row, chain, outcome)._replace(late=False)


class EndsNothingOnReuse(Service):
    def kept(self, row: Row, chain: RefreshChain, outcome: RefreshOutcome) -> Row:
        return Service.kept(self, row, chain, outcome)._replace(ended=row.ended)


class HasNoGrace(Service):
    """Takes whatever is older than the token just replaced for reuse."""

    def present(
        self, chain: RefreshChain, token: Token, *, is_current_secret: bool
    ) -> tuple[RefreshChain, RefreshOutcome]:
        if chain.generation - token.generation > 1:
            return chain, RefreshOutcome.REUSED
        return Service.present(self, chain, token, is_current_secret=is_current_secret)


class TakesAnySecret(Service):
    def present(
        self, chain: RefreshChain, token: Token, *, is_current_secret: bool
    ) -> tuple[RefreshChain, RefreshOutcome]:
        del is_current_secret
        return Service.present(self, chain, token, is_current_secret=True)


class DisablesTheUserAlone(Service):
    """Leaves the sessions to the check of the user, which a refresh that waits has behind it."""

    def disable(self, state: State) -> State:
        return state._replace(user_is_active=False)


class StartsWhatWasProven(Service):
    """Does not lock and look again at the user when the sign-in gets its session."""

    def may_start_session(self, state: State) -> bool:
        del state
        return True


class LooksAtItsSnapshotAlone(Service):
    """Does not judge again, with the lock held, whether the session has ended meanwhile."""

    def refresh(self, row: Row, token: Token, made: tuple[int, ...]) -> tuple[Row, RefreshOutcome, Token | None]:
        after, outcome, answer = Service.refresh(self, row._replace(ended=None), token, made)
        return after if after.ended else after._replace(ended=row.ended), outcome, answer


class LogsOutForAWhile(Service):
    """Lets a rotation that waited write the whole row back."""

    def refresh(self, row: Row, token: Token, made: tuple[int, ...]) -> tuple[Row, RefreshOutcome, Token | None]:
        after, outcome, answer = Service.refresh(self, row._replace(ended=None), token, made)
        return (after, outcome, None) if row.ended and answer else Service.refresh(self, row, token, made)


@dataclass(frozen=True)
class Mistake:
    service: type[Service]
    sentence: str
    model: SessionModel = SMALL


MISTAKES = (
    Mistake(ForgetsWhoWon, sentences.ONE_CHAIN),
    Mistake(MarksNoLateAnswer, sentences.TWO_LATE, replace(LONG, generations=3)),
    Mistake(EndsNothingOnReuse, sentences.REUSE, LONG),
    Mistake(HasNoGrace, sentences.STRAGGLER),
    Mistake(TakesAnySecret, sentences.FOREIGN),
    Mistake(DisablesTheUserAlone, sentences.NO_SESSION_OF_DISABLED),
    Mistake(StartsWhatWasProven, sentences.NO_SESSION_OF_DISABLED, SIGNING_IN),
    Mistake(LooksAtItsSnapshotAlone, sentences.NOTHING_AFTER_END),
    Mistake(LogsOutForAWhile, sentences.END_IS_FINAL),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.service.__name__)
def test_a_mistake_is_found_by_a_shortest_way(mistake: Mistake) -> None:
    found = explore(replace(mistake.model, service=mistake.service())).counterexample
    assert found is not None
    assert found.sentence == mistake.sentence
    assert len(found.actions) < 25


def test_a_session_ends_once() -> None:
    assert ended(ended(Row(), "logged out"), "disabled").ended == "logged out"
