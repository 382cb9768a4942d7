"""Changes of address in memory, by the rules of domain.recovery.email_change."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from application.sessions.ports import Caller
from domain.accounts.errors import EmailTaken
from domain.accounts.identifiers import EmailAddress
from domain.recovery.email_change import EmailChange, FormerEmail, undone_by
from domain.recovery.one_time_token import token_refused
from domain.sessions.errors import InvalidAccessToken
from tests.support.memory_rows import Rows
from tests.support.memory_store import MemoryStore
from tests.support.memory_writes import Write


@dataclass(frozen=True)
class MemoryEmailChanges:
    store: MemoryStore

    async def pending(self, user_id: UUID) -> EmailChange | None:
        await self.store.round_trip()
        return self.store.rows.email_changes.get(user_id)

    async def former(self, change_id: UUID) -> FormerEmail | None:
        await self.store.round_trip()
        return next((each for each in self.store.rows.former_emails if each.change_id == change_id), None)


@dataclass(frozen=True)
class StagedEmailChangeWrites:
    stage: Callable[[Write], None]

    def request(self, caller: Caller, change: EmailChange) -> None:
        def write(rows: Rows, now: datetime) -> None:
            if rows.live(caller, now) is None:
                raise InvalidAccessToken
            rows.email_changes[caller.user_id] = change

        self.stage(write)

    def drop_of(self, user_id: UUID) -> None:
        self.stage(lambda rows, _now: _drop(rows, user_id))

    def apply(self, user_id: UUID, change: EmailChange) -> None:
        def write(rows: Rows, now: datetime) -> None:
            if rows.email_changes.get(user_id) != change:
                raise token_refused()
            user = rows.users[user_id]
            if user.email_verified and user.email.canonical != change.email.canonical:
                former = FormerEmail(change_id=change.id, user_id=user_id, email=user.email, replaced_at=now)
                rows.former_emails.append(former)
            _move(rows, user_id, change.email, now)
            _drop(rows, user_id)

        self.stage(write)

    def undo(self, user_id: UUID, email: EmailAddress) -> None:
        def write(rows: Rows, now: datetime) -> None:
            undone = undone_by(email, [each for each in rows.former_emails if each.user_id == user_id])
            if undone:
                _move(rows, user_id, undone[0].email, now)
            rows.former_emails = [each for each in rows.former_emails if each not in undone]

        self.stage(write)

    def require_unproven(self, user_id: UUID) -> None:
        def write(rows: Rows, _now: datetime) -> None:
            if user_id not in rows.users or rows.users[user_id].email_verified:
                raise EmailTaken

        self.stage(write)


def _move(rows: Rows, user_id: UUID, email: EmailAddress, now: datetime) -> None:
    owner = rows.by_identifier(email)
    if owner and owner.id != user_id:
        raise EmailTaken
    rows.users[user_id] = replace(rows.users[user_id], email=email, email_verified=True, updated_at=now)


def _drop(rows: Rows, user_id: UUID) -> None:
    rows.email_changes.pop(user_id, None)
