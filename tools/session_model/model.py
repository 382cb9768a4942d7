"""What may happen: requests are sent, lost, judged and answered, time goes by, tokens are stolen, sessions ended."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from domain.sessions.refresh_chain import RefreshOutcome
from tools.session_model.checker import Step
from tools.session_model.sentences import FOREIGN, broken_by_refresh, broken_in, is_slow, late_answer
from tools.session_model.service import Service
from tools.session_model.states import HOLDERS, PAST, Answer, Holder, Request, State, Token

Steps = Iterator[Step[State]]

_FOREIGN_SECRET = -1
"""Of an authentic token from before a restore of the database: a secret that the row never had, or has no more."""


@dataclass(frozen=True, slots=True)
class SessionModel:
    """One session up to a generation, with so many messages under way at once."""

    service: Service = field(default_factory=Service)
    generations: int = 3
    under_way: int = 2
    second_sign_in: bool = True
    """Whether the user signs in once more meanwhile, which is three times the states."""

    def initial(self) -> State:
        """Signed in, the owner with the first token."""
        return State()

    def steps(self, state: State) -> Steps:
        """All that may happen, each step with what it breaks."""
        for step in self._steps(state):
            broken = broken_in(state, step.after)
            yield replace(step, broken=step.broken + broken) if broken else step

    def _steps(self, state: State) -> Steps:
        yield from self._sending(state)
        yield from self._serving(state)
        yield from self._receiving(state)
        yield from self._others(state)
        if (passed := _tick(state)) != state:
            yield Step("half a grace goes by", passed)

    def _sending(self, state: State) -> Steps:
        if len(state.requests) + len(state.answers) >= self.under_way:
            return
        for holder in HOLDERS:
            token = state.held_by(holder)
            if token is not None and token.generation < self.generations:
                request = Request(holder, token)
                if request not in state.requests:
                    sent = state._replace(requests=state.requests | {request})
                    yield Step(f"{holder} presents {_name(token)}", sent)

    def _serving(self, state: State) -> Steps:
        for request in state.requests:
            rest = state.requests - {request}
            what = f"{request.holder}'s {_name(request.token)}"
            if request.judged:
                yield self._refreshed(state._replace(requests=rest), request)
                continue
            yield Step(f"{what} is lost on its way", state._replace(requests=rest))
            if self.service.sees_live(state):
                waiting = request._replace(judged=True)
                yield Step(f"{what} is looked at, and waits for the row", state._replace(requests=rest | {waiting}))
            else:
                yield Step(f"{what} is refused at a look", _answered(state._replace(requests=rest), request, None))

    def _refreshed(self, state: State, request: Request) -> Step[State]:
        token = request.token
        row, outcome, answer = self.service.refresh(state.row, token, state.history.made)
        history = state.history
        if outcome is RefreshOutcome.ROTATED:
            history = history._replace(made=_one_more(history.made, token.generation + 1))
        history = history._replace(
            late=history.late | late_answer(state.row, token, outcome),
            slow=history.slow or is_slow(state.row, token),
        )
        after = _answered(state._replace(row=row, history=history), request, answer)
        action = f"{request.holder}'s {_name(token)} has the row: {outcome.value}"
        return Step(action, after, broken_by_refresh(state, after, token, answer))

    def _receiving(self, state: State) -> Steps:
        for answer in state.answers:
            rest = state._replace(answers=state.answers - {answer})
            who = answer.holder
            yield Step(f"an answer to the {who} is lost", rest)
            if answer.token is not None:
                yield Step(f"{who} receives {_name(answer.token)}", _received(rest, answer.holder, answer.token))

    def _others(self, state: State) -> Steps:
        if state.owner is not None and state.owner != state.thief:
            stolen = state._replace(thief=state.owner, history=state.history._replace(stolen=True))
            yield Step("the owner's token is stolen", stolen)
        yield Step("log-out", self.service.log_out(state))
        yield Step("disabling", self.service.disable(state))
        yield Step("enabling", state._replace(user_is_active=True))
        if self.second_sign_in and state.signing_in is None and state.user_is_active:
            yield Step("a second sign-in has the right password", state._replace(signing_in="proven"))
        if state.signing_in == "proven":
            began = "live" if self.service.may_start_session(state) else None
            yield Step("the second sign-in goes on", state._replace(signing_in=began))
        yield self._foreign(state)

    def _foreign(self, state: State) -> Step[State]:
        """One with our authentication and a secret of another past, as a restored database may meet."""
        token = Token(state.row.generation, _FOREIGN_SECRET)
        row, _, answer = self.service.refresh(state.row, token, state.history.made)
        broken = () if (row, answer) == (state.row, None) else (FOREIGN,)
        return Step("a token of a restored past is presented", state, broken)


def _answered(state: State, request: Request, token: Token | None) -> State:
    return state._replace(answers=state.answers | {Answer(request.holder, token)})


def _received(state: State, holder: Holder, token: Token) -> State:
    """Nobody goes back to an older token."""
    held = state.held_by(holder)
    newer = token if held is None or token.generation > held.generation else held
    return state._replace(owner=newer) if holder == "owner" else state._replace(thief=newer)


def _tick(state: State) -> State:
    return state._replace(
        row=state.row._replace(age=_older(state.row.age), previous_age=_older(state.row.previous_age))
    )


def _older(age: int | None) -> int | None:
    return None if age is None else min(age + 1, PAST)


def _one_more(made: tuple[int, ...], generation: int) -> tuple[int, ...]:
    padded = made + (0,) * (generation + 1 - len(made))
    return (*padded[:generation], padded[generation] + 1, *padded[generation + 1 :])


def _name(token: Token) -> str:
    return f"token {token.generation}" + (f" of chain {token.secret + 1}" if token.secret else "")
