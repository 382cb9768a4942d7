"""What a unit of work is told to write, noted for its commit."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from application.sessions.ports import Caller, LogInAttempt, NewRefreshToken
from domain.accounts.errors import EmailTaken, UsernameTaken
from domain.accounts.user import User, UserStatus
from domain.credentials.password import PasswordCredential
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials
from domain.sessions.session import EndReason, Session
from tests.support import rate_limits
from tests.support.memory_rows import Rows
from tests.support.world import Limit, StoredSession

Write = Callable[[Rows, datetime], None]


class StagedWrites:
    """The writers of a unit of work, all in one: each notes what is to be done to the rows."""

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        self.limits = limits
        self.staged: list[Write] = []

    def add(self, user: User, credential: PasswordCredential) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            # Like a database that stops at the first unique index, it does not name all that is taken.
            if rows.by_identifier(user.email):
                raise EmailTaken
            if rows.by_identifier(user.username):
                raise UsernameTaken
            rows.users[user.id] = user
            rows.credentials[user.id] = credential

        self.staged.append(write)

    def rehash(self, credential: PasswordCredential, password_hash: str) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            if rows.credentials[credential.user_id] == credential:
                rows.credentials[credential.user_id] = replace(credential, password_hash=password_hash)

        self.staged.append(write)

    def start(self, session: Session, token: NewRefreshToken, credential: PasswordCredential) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            current = rows.credentials[session.user_id]
            is_current = (current.id, current.version) == (credential.id, credential.version)
            if not is_current or rows.users[session.user_id].status is not UserStatus.ACTIVE:
                raise InvalidCredentials
            rows.sessions[session.id] = StoredSession(session=session, digest=token.digest, sealed=token.sealed)

        self.staged.append(write)

    def end(self, caller: Caller, reason: EndReason) -> None:
        def write(rows: Rows, now: datetime) -> None:
            stored = rows.live(caller, now)
            if stored is None:
                raise InvalidAccessToken
            rows.sessions[caller.session_id] = replace(stored, session=stored.session.revoke(reason, now))

        self.staged.append(write)

    def forgive(self, attempt: LogInAttempt) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            for allowance in attempt.allowances:
                rate_limits.give_back(rows.arrivals, self.limits, allowance)

        self.staged.append(write)
