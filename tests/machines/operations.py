"""What can be asked of the service, and what the contract lets it answer.

``after`` gives the account as it is then, or ``None`` when that may not be answered. Answers are ``Tokens``, a refresh
token, or whether it was granted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from tests.machines.contract_model import AccountModel, SessionModel, Tokens

Answer = Tokens | str | bool | None

LIFETIMES = {False: (timedelta(hours=1), timedelta(hours=24)), True: (timedelta(days=14), timedelta(days=90))}
"""Idle and absolute, without and with ``remember``."""


class Operation(Protocol):
    """Something that is asked for."""

    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None: ...


@dataclass(frozen=True, slots=True)
class SignIn:
    remember: bool

    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        if not account.is_open:
            return account if answer is None else None
        return _started(account, answer, LIFETIMES[self.remember])


@dataclass(frozen=True, slots=True)
class Refresh:
    token: str

    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        session_id = account.holder_of(self.token)
        if session_id is None:
            # Not of our making: it changes nothing.
            return account if answer is None else None
        given = answer.refresh_token if isinstance(answer, Tokens) else None
        if isinstance(answer, Tokens) and answer.session != session_id:
            return None
        session = account.session(session_id).refresh(self.token, given, account.now)
        return None if session is None else account.with_session(session_id, session)


@dataclass(frozen=True, slots=True)
class Look:
    """With the access token: does it answer?"""

    session: str

    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        return account if answer is account.is_live(self.session) else None


@dataclass(frozen=True, slots=True)
class LogOut:
    session: str

    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        if answer is not account.is_live(self.session):
            return None
        return account.without({self.session}) if answer else account


@dataclass(frozen=True, slots=True)
class End:
    """One session, asked for from another, or from that one."""

    session: str
    by: str

    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        if answer is not (account.is_live(self.by) and account.is_live(self.session)):
            return None
        return account.without({self.session}) if answer else account


@dataclass(frozen=True, slots=True)
class EndAll:
    by: str
    but_current: bool

    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        if answer is not account.is_live(self.by):
            return None
        kept = {self.by} if self.but_current else set()
        return account.without({name for name, _ in account.sessions} - kept) if answer else account


@dataclass(frozen=True, slots=True)
class ChangePassword:
    by: str

    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        if not account.is_live(self.by):
            return account if answer is None else None
        old = account.session(self.by)
        lifetime = next(one for one in LIFETIMES.values() if one[0] == old.idle)
        return _started(account.without({name for name, _ in account.sessions}), answer, lifetime)


@dataclass(frozen=True, slots=True)
class Disable:
    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        if answer is not account.is_open:
            return None
        return replace(account.without({name for name, _ in account.sessions}), is_open=False)


@dataclass(frozen=True, slots=True)
class Enable:
    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        if answer is not (not account.is_open and not account.is_deleted):
            return None
        return replace(account, is_open=not account.is_deleted)


@dataclass(frozen=True, slots=True)
class Delete:
    by: str

    def after(self, account: AccountModel, answer: Answer) -> AccountModel | None:
        if answer is not account.is_live(self.by):
            return None
        gone = replace(account.without({name for name, _ in account.sessions}), is_open=False, is_deleted=True)
        return gone if answer else account


def _started(account: AccountModel, answer: Answer, lifetime: tuple[timedelta, timedelta]) -> AccountModel | None:
    if not isinstance(answer, Tokens) or answer.session in dict(account.sessions):
        return None
    idle, absolute = lifetime
    session = SessionModel(idle, account.now + absolute, account.now, (answer.refresh_token,))
    return account.with_session(answer.session, session)


def explained(account: AccountModel, operations: Sequence[Operation], answers: Sequence[Answer]) -> set[AccountModel]:
    """How the account may stand after operations that overlapped: the ends of all orders that explain the answers.

    None at all when there is no such order, which is what linearizability forbids. Brute force, for a handful.
    """
    reached = {(account, frozenset(range(len(operations))))}
    for _ in operations:
        reached = {
            (then, left - {place})
            for before, left in reached
            for place in left
            if (then := operations[place].after(before, answers[place])) is not None
        }
    return {account for account, _ in reached}
