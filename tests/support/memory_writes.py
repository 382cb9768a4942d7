"""What a unit of work is told to write, noted for its commit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from application.accounts.ports import KeyClaim
from application.origin import Origin
from application.sessions.ports import Caller, CountedAttempt, NewRefreshToken
from domain.accounts.errors import EmailTaken, StatusUnchanged, UsernameTaken, UserNotFound
from domain.accounts.profile import Profile
from domain.accounts.profile_change import ProfileChange
from domain.accounts.user import User, UserStatus
from domain.credentials.errors import WrongPassword
from domain.credentials.password import PasswordCredential
from domain.errors import DomainError
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials, SessionNotFound
from domain.sessions.events import session_ended
from domain.sessions.session import EndReason, Session
from tests.support import rate_limits
from tests.support.memory_rows import Rows
from tests.support.world import StoredSession

Write = Callable[[Rows, datetime], None]


class StagedWrites:
    """The writers of a unit of work, all in one: each notes what is to be done to the rows."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.staged: list[Write] = []

    def add(self, user: User, credential: PasswordCredential, claim: KeyClaim | None = None) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            if claim:
                rows.complete(claim, user.id)
            # Like a database that stops at the first unique index, it does not name all that is taken.
            if rows.by_identifier(user.email):
                raise EmailTaken
            if rows.by_identifier(user.username) or user.username.canonical in rows.reserved_usernames:
                raise UsernameTaken
            rows.users[user.id] = user
            rows.reserved_usernames[user.username.canonical] = user.id
            rows.credentials[user.id] = credential

        self.staged.append(write)

    def change_profile(self, user_id: UUID, change: ProfileChange) -> None:
        def write(rows: Rows, now: datetime) -> None:
            if user_id not in rows.users:
                raise InvalidAccessToken
            if change.username:
                rows.change_username(user_id, change.username, now)
            rows.users[user_id] = change.of(rows.users[user_id], now)

        self.staged.append(write)

    def release_username(self, user: User) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            rows.reserved_usernames[user.username.canonical] = None

        self.staged.append(write)

    def prove_email(self, user_id: UUID, *, keep_profile: bool = True) -> None:
        def write(rows: Rows, now: datetime) -> None:
            if user := rows.users.get(user_id):
                proven = replace(user, email_verified=True, updated_at=now)
                rows.users[user_id] = proven if keep_profile else replace(proven, profile=Profile(), photo_id=None)

        self.staged.append(write)

    def set_status(self, user_id: UUID, status: UserStatus) -> None:
        def write(rows: Rows, now: datetime) -> None:
            user = rows.users.get(user_id)
            if user is None or user.status is status:
                raise StatusUnchanged
            rows.users[user_id] = replace(user, status=status, updated_at=now)

        self.staged.append(write)

    def replace(self, credential: PasswordCredential, password_hash: str) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            current = rows.credentials.get(credential.user_id)
            if current is None or (current.id, current.version) != (credential.id, credential.version):
                raise WrongPassword
            changed = replace(current, password_hash=password_hash, version=current.version + 1)
            rows.credentials[credential.user_id] = changed

        self.staged.append(write)

    def lock_out(self, user_id: UUID, password_hash: str) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            if current := rows.credentials.get(user_id):
                rows.credentials[user_id] = replace(current, password_hash=password_hash, version=current.version + 1)

        self.staged.append(write)

    def withdraw(self, claim: KeyClaim) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            kept = rows.keys.get(claim.digest)
            if kept and kept.attempt == claim.attempt and not kept.user_id:
                del rows.keys[claim.digest]

        self.staged.append(write)

    def remove(self, user_id: UUID) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            if user_id not in rows.users:
                raise UserNotFound
            rows.remove(user_id)

        self.staged.append(write)

    def rehash(self, credential: PasswordCredential, password_hash: str) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            if rows.credentials.get(credential.user_id) == credential:
                rows.credentials[credential.user_id] = replace(credential, password_hash=password_hash)

        self.staged.append(write)

    def start(
        self, session: Session, token: NewRefreshToken, credential: PasswordCredential, *, at_most: int | None = None
    ) -> None:
        def write(rows: Rows, now: datetime) -> None:
            current = rows.credentials.get(session.user_id)
            is_current = current is not None and (current.id, current.version) == (credential.id, credential.version)
            if not is_current or rows.users[session.user_id].status is not UserStatus.ACTIVE:
                raise InvalidCredentials
            rows.sessions[session.id] = StoredSession(session=session, digest=token.digest, sealed=token.sealed)
            others = [each for each in rows.all_live(session.user_id, now) if each.id != session.id]
            others.sort(key=lambda each: (each.last_used_at, each.id), reverse=True)
            for beyond in others[at_most - 1 :] if at_most is not None else ():
                ended = beyond.revoke(EndReason.SUPERSEDED, now)
                rows.sessions[beyond.id] = replace(rows.sessions[beyond.id], session=ended)
                rows.record(session_ended(beyond.id, beyond.user_id, EndReason.SUPERSEDED), self.origin, now)

        self.staged.append(write)

    def end(self, caller: Caller, reason: EndReason) -> None:
        self._end(caller, reason, InvalidAccessToken)

    def end_one_of(self, user_id: UUID, session_id: UUID, reason: EndReason) -> None:
        self._end(Caller(user_id=user_id, session_id=session_id), reason, SessionNotFound)

    def _end(self, of: Caller, reason: EndReason, refusal: type[DomainError]) -> None:
        def write(rows: Rows, now: datetime) -> None:
            stored = rows.live(of, now)
            if stored is None:
                raise refusal
            rows.sessions[of.session_id] = replace(stored, session=stored.session.revoke(reason, now))

        self.staged.append(write)

    def require_live(self, caller: Caller) -> None:
        def write(rows: Rows, now: datetime) -> None:
            if rows.live(caller, now) is None:
                raise InvalidAccessToken

        self.staged.append(write)

    def end_all_of(self, user_id: UUID, reason: EndReason, *, but: UUID | None = None) -> None:
        def write(rows: Rows, now: datetime) -> None:
            for stored in list(rows.sessions.values()):
                session = stored.session
                if session.user_id == user_id and session.id != but and session.is_live(now):
                    rows.sessions[session.id] = replace(stored, session=session.revoke(reason, now))
                    rows.record(session_ended(session.id, user_id, reason), self.origin, now)

        self.staged.append(write)

    def forgive(self, attempt: CountedAttempt) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            rate_limits.give_back(rows.counters, [each for each in attempt.allowances if each.cost])

        self.staged.append(write)

    def prove(self, attempt: CountedAttempt) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            rate_limits.give_back(rows.counters, attempt.allowances, proven=True)

        self.staged.append(write)
