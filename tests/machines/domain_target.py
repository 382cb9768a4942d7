"""The rules of the domain alone: entities in a dictionary, and nothing that stores, signs or hashes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from domain.sessions.refresh_chain import RefreshOutcome
from domain.sessions.session import EndReason, Session, SessionLifetime
from tests.machines.contract_model import Tokens
from tests.machines.operations import (
    LIFETIMES,
    Answer,
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
)
from tests.support.builders import NOON, new_id, session_of


@dataclass
class Held:
    """A session and its tokens as a store would keep them: the current secret, and the one that it replaced."""

    session: Session
    secret: int
    successor_of: int | None = None


@dataclass
class DomainTarget:
    """Implements ``Target``. A refresh token is the session's id, its generation and a number that is its secret."""

    now: datetime = NOON
    held: dict[str, Held] = field(default_factory=dict)
    is_open: bool = True
    is_deleted: bool = False
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def begin(self) -> None:
        self.held, self.is_open, self.is_deleted = {}, True, False

    async def wait(self, by: timedelta) -> None:
        self.now += by

    async def ask_at_once(self, operations: Sequence[Operation]) -> Sequence[Answer]:
        return [await self.ask(operation) for operation in operations]

    def forged(self, token: str, place: int) -> str:
        """Of the current generation or a later one: that an older one is of our making is not for the domain to say."""
        session_id = token.partition("/")[0]
        return f"{session_id}/{self.held[session_id].session.chain.generation + place % 3}/forged"

    async def ask(self, operation: Operation) -> Answer:
        match operation:
            case SignIn(remember=remember):
                return self._sign_in(remember=remember)
            case Refresh(token=token):
                return self._refresh(token)
            case ChangePassword(by=by):
                return self._change_password(by)
            case Disable() | Enable():
                return self._set_open(is_open=isinstance(operation, Enable))
        return self._as_caller(operation)

    def _as_caller(self, operation: Operation) -> bool:
        match operation:
            case Look(session=session_id):
                return self._is_live(session_id)
            case LogOut(session=by) if self._is_live(by):
                self._end(by, EndReason.LOGGED_OUT)
            case End(session=session_id, by=by) if self._is_live(by) and self._is_live(session_id):
                self._end(session_id, EndReason.REVOKED)
            case EndAll(by=by, but_current=but_current) if self._is_live(by):
                self._end_all(EndReason.REVOKED, but=by if but_current else None)
            case Delete(by=by) if self._is_live(by):
                self._end_all(EndReason.ACCOUNT_DELETED)
                self.is_open, self.is_deleted = False, True
            case _:
                return False
        return True

    def _sign_in(self, *, remember: bool) -> Tokens | None:
        if not self.is_open:
            return None
        idle, absolute = LIFETIMES[remember]
        return self._start(session_of(new_id(), now=self.now, lifetime=SessionLifetime(idle=idle, absolute=absolute)))

    def _change_password(self, by: str) -> Tokens | None:
        if not self._is_live(by):
            return None
        old = self.held[by].session
        self._end_all(EndReason.PASSWORD_CHANGED)
        return self._start(
            old.succeeded_by(new_id(), methods=("pwd",), ip_address=None, user_agent=None, device=None, now=self.now)
        )

    def _start(self, session: Session) -> Tokens:
        held = self.held[str(session.id)] = Held(session, next(self.numbers))
        return _tokens(held)

    def _refresh(self, token: str) -> Tokens | None:
        session_id, generation, secret = token.split("/")
        held = self.held[session_id]
        held.session, outcome = held.session.refresh(
            int(generation), is_current_secret=secret == str(held.secret), now=self.now
        )
        match outcome:
            case RefreshOutcome.ROTATED:
                held.successor_of, held.secret = held.secret, next(self.numbers)
            case RefreshOutcome.REPEATED if secret == str(held.successor_of):
                pass
            case _:
                return None
        return _tokens(held)

    def _set_open(self, *, is_open: bool) -> bool:
        if self.is_deleted or self.is_open is is_open:
            return False
        self.is_open = is_open
        self._end_all(EndReason.ACCOUNT_DISABLED)
        return True

    def _is_live(self, session_id: str) -> bool:
        return self.held[session_id].session.is_live(self.now)

    def _end(self, session_id: str, reason: EndReason) -> None:
        self.held[session_id].session = self.held[session_id].session.revoke(reason, self.now)

    def _end_all(self, reason: EndReason, *, but: str | None = None) -> None:
        for session_id in self.held.keys() - {but}:
            self._end(session_id, reason)


def _tokens(held: Held) -> Tokens:
    session = held.session
    return Tokens(str(session.id), f"{session.id}/{session.chain.generation}/{held.secret}")
