"""Sign-ups that wait, in the store in memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from application.accounts.ports import KeyClaim
from application.recovery.ports import OneTimeToken
from application.sign_ups.ports import SignUpToMail
from domain.accounts.errors import UsernameTaken, UserNotFound
from domain.accounts.pending_sign_up import SIGN_UP_LIFETIME, PendingSignUp
from domain.accounts.user import User
from domain.credentials.password import PasswordCredential
from domain.recovery.one_time_token import token_refused
from tests.support.memory_rows import Rows, StoredSignUp
from tests.support.memory_store import MemoryStore
from tests.support.memory_writes import Write


@dataclass(frozen=True)
class MemorySignUps:
    store: MemoryStore

    async def find(self, sign_up_id: UUID) -> SignUpToMail | None:
        now = await self.store.round_trip()
        stored = self.store.rows.sign_ups.get(sign_up_id)
        if stored is None or stored.expires_at <= now:
            return None
        return SignUpToMail(sign_up=stored.sign_up, owner=self.store.rows.by_identifier(stored.sign_up.email))

    async def waiting(self, token: OneTimeToken) -> PendingSignUp | None:
        now = await self.store.round_trip()
        stored = _waiting(self.store.rows, token, now)
        return stored.sign_up if stored else None

    async def redeemable(self, token: OneTimeToken) -> PendingSignUp | None:
        now = await self.store.round_trip()
        stored = _waiting(self.store.rows, token, now)
        return stored.sign_up if stored and not self.store.rows.by_identifier(stored.sign_up.email) else None


@dataclass(frozen=True)
class StagedSignUpWrites:
    stage: Callable[[Write], None]

    def add(self, sign_up: PendingSignUp, claim: KeyClaim | None = None) -> None:
        def write(rows: Rows, now: datetime) -> None:
            if claim:
                rows.complete(claim, sign_up.id)
            if sign_up.username.canonical in rows.reserved_usernames:
                raise UsernameTaken
            rows.reserved_usernames[sign_up.username.canonical] = None
            rows.sign_ups[sign_up.id] = StoredSignUp(sign_up=sign_up, expires_at=now + SIGN_UP_LIFETIME)

        self.stage(write)

    def issue(self, token: OneTimeToken, sign_up_id: UUID, lifetime: timedelta) -> None:
        def write(rows: Rows, now: datetime) -> None:
            stored = rows.sign_ups.get(sign_up_id)
            if stored is None or stored.expires_at <= now:
                raise UserNotFound
            digests = stored.digests | {token.digest}
            rows.sign_ups[sign_up_id] = replace(stored, digests=digests, expires_at=now + lifetime)

        self.stage(write)

    def complete(self, token: OneTimeToken, user: User, credential: PasswordCredential) -> None:
        def write(rows: Rows, now: datetime) -> None:
            _take(rows, token, now)
            if rows.by_identifier(user.email):
                raise token_refused()
            rows.users[user.id] = user
            rows.credentials[user.id] = credential
            rows.reserved_usernames[user.username.canonical] = user.id

        self.stage(write)

    def drop(self, token: OneTimeToken) -> None:
        def write(rows: Rows, now: datetime) -> None:
            sign_up = _take(rows, token, now)
            del rows.reserved_usernames[sign_up.username.canonical]
            if sign_up.photo_id:
                rows.unowned_photos[sign_up.photo_id] = now

        self.stage(write)


def _take(rows: Rows, token: OneTimeToken, now: datetime) -> PendingSignUp:
    stored = _waiting(rows, token, now)
    if stored is None:
        raise token_refused()
    return rows.sign_ups.pop(stored.sign_up.id).sign_up


def _waiting(rows: Rows, token: OneTimeToken, now: datetime) -> StoredSignUp | None:
    return next(
        (each for each in rows.sign_ups.values() if token.digest in each.digests and each.expires_at > now), None
    )
