"""What the service does, one transaction at a time: the domain's own rule, in the steps in which PostgreSQL runs it.

A refresh is one statement under READ COMMITTED. It looks at its snapshot first, waits for the row's lock, and judges
the newest row once more, but not the user who is joined to it. Whatever else writes the row is one step, for it holds
the row's lock from its first look to its commit.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from domain.sessions.refresh_chain import GRACE, RefreshChain, RefreshOutcome
from tools.session_model.states import GRACE_TICKS, Row, State, Token

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TICK = GRACE / GRACE_TICKS


@dataclass(frozen=True, slots=True)
class Service:
    """The service as it is. What derives from it has a mistake that the sentences have to find."""

    def sees_live(self, state: State) -> bool:
        """What a refresh finds in its snapshot, before it waits."""
        return state.row.ended is None and state.user_is_active

    def refresh(self, row: Row, token: Token, made: tuple[int, ...]) -> tuple[Row, RefreshOutcome, Token | None]:
        """With the row's lock held: the row then, what comes of it, and the token that is answered."""
        if row.ended is not None:
            return row, RefreshOutcome.REFUSED, None
        chain, outcome = self.present(_chain_of(row), token, is_current_secret=token.secret == row.secret)
        after = self.kept(row, chain, outcome)
        if outcome is RefreshOutcome.ROTATED:
            fresh = made[after.generation] if after.generation < len(made) else 0
            after = after._replace(secret=fresh)
        if outcome in {RefreshOutcome.ROTATED, RefreshOutcome.REPEATED}:
            return after, outcome, Token(token.generation + 1, after.secret)
        return after, outcome, None

    def present(
        self, chain: RefreshChain, token: Token, *, is_current_secret: bool
    ) -> tuple[RefreshChain, RefreshOutcome]:
        """The rule."""
        return chain.present(token.generation, is_current_secret=is_current_secret, now=_NOW)

    def kept(self, row: Row, chain: RefreshChain, outcome: RefreshOutcome) -> Row:
        """The row after the rule."""
        return Row(
            generation=chain.generation,
            secret=row.secret,
            age=_age(chain.rotated_at),
            previous_age=_age(chain.previous_rotated_at),
            late=chain.late,
            previous_late=chain.previous_late,
            ended="reused" if outcome is RefreshOutcome.REUSED else row.ended,
        )

    def log_out(self, state: State) -> State:
        """The session ends, if it is live."""
        return state._replace(row=ended(state.row, "logged out")) if self.sees_live(state) else state

    def disable(self, state: State) -> State:
        """The user, and with them in one transaction all their sessions."""
        signing_in = None if state.signing_in == "live" else state.signing_in
        return state._replace(user_is_active=False, row=ended(state.row, "disabled"), signing_in=signing_in)

    def may_start_session(self, state: State) -> bool:
        """Whether a sign-in whose password was right gets its session: judged with the user's row locked."""
        return state.user_is_active


def ended(row: Row, reason: str) -> Row:
    """An end is final: a second one changes nothing."""
    return row if row.ended else row._replace(ended=reason)


def _chain_of(row: Row) -> RefreshChain:
    return RefreshChain(
        generation=row.generation,
        rotated_at=_moment(row.age),
        previous_rotated_at=_moment(row.previous_age),
        late=row.late,
        previous_late=row.previous_late,
    )


def _moment(age: int | None) -> datetime | None:
    return None if age is None else _NOW - age * _TICK


def _age(moment: datetime | None) -> int | None:
    return None if moment is None else (_NOW - moment) // _TICK
