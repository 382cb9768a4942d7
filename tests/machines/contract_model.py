"""The sentences of the contract on sessions as a model: what may be answered to whom, and what it leaves behind.

Written from the contract and not from the code, in other terms than the code's: it remembers the whole history of a
session, the code only what it needs. Values are immutable, so that a history can be tried in every order.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Self

LATE = timedelta(seconds=10)
"""A repeat later than this after the replacement is a late answer, and older rotations are no burst."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a target gave: which session, and the refresh token to go on with."""

    session: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class SessionModel:
    """One session: all its refresh tokens, the oldest first, and when each of them was replaced."""

    idle: timedelta
    ends_at: timedelta
    used_at: timedelta
    tokens: tuple[str, ...]
    replaced_at: tuple[timedelta, ...] = ()
    answered_late: frozenset[int] = frozenset()
    """The places of the tokens that were answered again too late."""
    is_over: bool = False

    def is_live(self, now: timedelta) -> bool:
        return not self.is_over and now < min(self.used_at + self.idle, self.ends_at)

    def over(self) -> Self:
        return replace(self, is_over=True)

    def refresh(self, token: str, answer: str | None, now: timedelta) -> Self | None:
        """The session afterwards; ``None`` when the contract does not allow that answer."""
        if not self.is_live(now):
            return self if answer is None else None
        place = self.tokens.index(token)
        match len(self.tokens) - 1 - place:
            case 0:
                return self._replaced(answer, now)
            case 1:
                return self._answered_again(place, answer, now)
            case _:
                in_burst = all(now - moment <= LATE for moment in self.replaced_at[-2:])
                return None if answer is not None else self if in_burst else self.over()

    def _replaced(self, answer: str | None, now: timedelta) -> Self | None:
        """By a token that nobody has had before."""
        if answer is None or answer in self.tokens:
            return None
        return replace(self, tokens=(*self.tokens, answer), replaced_at=(*self.replaced_at, now), used_at=now)

    def _answered_again(self, place: int, answer: str | None, now: timedelta) -> Self | None:
        """With the same successor, unless it is the second late answer running."""
        is_late = now - self.replaced_at[place] > LATE
        if is_late and place - 1 in self.answered_late:
            return self.over() if answer is None else None
        if answer != self.tokens[place + 1]:
            return None
        return replace(self, answered_late=self.answered_late | {place}) if is_late else self


@dataclass(frozen=True, slots=True)
class AccountModel:
    """One account with its sessions by id, and the time."""

    now: timedelta = timedelta(0)
    is_open: bool = True
    """It can be signed in to: neither disabled nor deleted."""
    is_deleted: bool = False
    sessions: tuple[tuple[str, SessionModel], ...] = field(default=())

    def session(self, session_id: str) -> SessionModel:
        return dict(self.sessions)[session_id]

    def is_live(self, session_id: str) -> bool:
        return self.session(session_id).is_live(self.now)

    def holder_of(self, token: str) -> str | None:
        """The session that token is of; ``None`` for one that is not of our making."""
        return next((name for name, session in self.sessions if token in session.tokens), None)

    def with_session(self, session_id: str, session: SessionModel) -> Self:
        return replace(self, sessions=tuple((dict(self.sessions) | {session_id: session}).items()))

    def without(self, ended: set[str]) -> Self:
        """Those sessions have ended."""
        kept = tuple((name, session.over() if name in ended else session) for name, session in self.sessions)
        return replace(self, sessions=kept)

    def later(self, by: timedelta) -> Self:
        return replace(self, now=self.now + by)
