"""The contract's sentences on refreshing, each judged over one step, by the history and not by the service's memory."""

from domain.sessions.refresh_chain import RefreshOutcome
from tools.session_model.states import GRACE_TICKS, History, Row, State, Token

ONE_CHAIN = "one chain, never two"
SAME_SUCCESSOR = "the token just replaced gives that same successor again"
NOTHING_AFTER_END = "after log-out, expiry or disabling nothing answers"
END_IS_FINAL = "a session that has ended never comes back"
TWO_LATE = "late answers in two generations running end the session"
STRAGGLER = "an older token, when both last rotations lie within the grace, is refused and changes nothing"
REUSE = "an older token otherwise ends the session"
HONEST = "a lost answer, a retry and two tabs cost nobody a session"
FOREIGN = "a token not of our making changes nothing"
NO_SESSION_OF_DISABLED = "a disabled user has no live session"

SENTENCES = (
    ONE_CHAIN, SAME_SUCCESSOR, NOTHING_AFTER_END, END_IS_FINAL, TWO_LATE, STRAGGLER, REUSE, HONEST, FOREIGN,
    NO_SESSION_OF_DISABLED,
)  # fmt: skip


def broken_by_refresh(before: State, after: State, token: Token, answer: Token | None) -> tuple[str, ...]:
    """What one refresh breaks that had the row's lock in ``before``."""
    age = before.row.generation - token.generation
    judged = {
        ONE_CHAIN: max(after.history.made) == 1,
        SAME_SUCCESSOR: _is_successor(before.row, token, answer),
        NOTHING_AFTER_END: answer is None or (before.row.ended is None and before.user_is_active),
        TWO_LATE: not _late_twice_running(after.history) or after.row.ended is not None,
        STRAGGLER: not (age > 1 and _is_burst(before.row)) or (answer is None and after.row == before.row),
        REUSE: not (age > 1 and not _is_burst(before.row)) or after.row.ended is not None,
        HONEST: after.row.ended != "reused" or before.row.ended is not None or not _is_honest(after.history),
    }
    return tuple(sentence for sentence, holds in judged.items() if not holds)


def broken_in(before: State, after: State) -> tuple[str, ...]:
    """What any step may break."""
    judged = {
        END_IS_FINAL: before.row.ended is None or after.row == before.row or _only_older(before.row, after.row),
        NO_SESSION_OF_DISABLED: after.user_is_active or (after.row.ended is not None and after.signing_in != "live"),
    }
    return tuple(sentence for sentence, holds in judged.items() if not holds)


def late_answer(row: Row, token: Token, outcome: RefreshOutcome) -> frozenset[int]:
    """The generation that this answer gave out late, if it did."""
    is_late = outcome is RefreshOutcome.REPEATED and row.age is not None and row.age > GRACE_TICKS
    return frozenset({token.generation + 1}) if is_late else frozenset()


def is_slow(row: Row, token: Token) -> bool:
    """Whether the token was replaced more than the grace ago; of one replaced before the last two, since then."""
    age = row.age if row.generation - token.generation == 1 else row.previous_age
    return row.generation > token.generation and age is not None and age > GRACE_TICKS


def _is_successor(row: Row, token: Token, answer: Token | None) -> bool:
    """Whoever is owed the successor gets it, and nobody gets anything else."""
    age = row.generation - token.generation
    if answer is None:
        return age != 1 or row.ended is not None or row.previous_late
    return age == 0 or (age == 1 and answer == Token(row.generation, row.secret))


def _is_burst(row: Row) -> bool:
    ages = (row.age, row.previous_age)
    return all(age is not None and age <= GRACE_TICKS for age in ages) or row.ended is not None


def _late_twice_running(history: History) -> bool:
    return any(generation + 1 in history.late for generation in history.late)


def _is_honest(history: History) -> bool:
    """No thief, and nobody who presented a token later than the grace after it was replaced."""
    return not history.stolen and not history.slow


def _only_older(before: Row, after: Row) -> bool:
    return (before.generation, before.secret, before.ended) == (after.generation, after.secret, after.ended)
