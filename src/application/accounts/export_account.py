"""Read all that is held on oneself."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.origin import NOWHERE, Origin
from application.ports import UnitOfWorkFactory
from application.sessions.ports import Caller
from domain.accounts.events import account_exported
from domain.accounts.user import User
from domain.credentials.password import CredentialKind
from domain.events import RecordedEvent
from domain.sessions.session import Session

PAGE = 500
"""Rows at a time: what an export takes of memory, however long the record is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCredential:
    """What may be told of a credential: never its secret."""

    kind: CredentialKind
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldToken:
    """What may be told of a one-time token."""

    purpose: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEvent:
    """An event that concerns the user; ``position`` is its place in the record."""

    position: int
    event: RecordedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveContents:
    """What is held on a user, less sessions and events; ``snapshot`` names the moment that it was so."""

    now: datetime
    snapshot: str
    user: User
    username_changed_at: Sequence[datetime]
    reserved_usernames: int
    """Names that nobody else may have because the user has or had them. Only digests of them are kept."""
    credentials: Sequence[HeldCredential]
    one_time_tokens: Sequence[HeldToken]
    pending_email: str | None = None
    """The address that the account is to have once it is proven."""
    former_emails: Sequence[str] = ()
    """Proven addresses that it had lately, the oldest first."""


class Archive(Protocol):
    """All that is held on a user, one statement a question, for one who asks for all of it."""

    async def open(self, caller: Caller, origin: Origin = NOWHERE) -> ArchiveContents:
        """Count the request against its limit and read what is few, in one round trip.

        Raises InvalidAccessToken when the session is not live, TooManyAttempts (D08).
        """
        ...

    async def sessions(self, contents: ArchiveContents, *, after: UUID | None, at_most: int) -> Sequence[Session]:
        """The next sessions by id that began before that moment, ended ones too; as they are now."""
        ...

    async def events(self, contents: ArchiveContents, *, after: int, at_most: int) -> Sequence[HeldEvent]:
        """The next events by position of those that were written by that moment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExport:
    """Everything held on a user as it was at one moment: what is few at once, what may be many as it is read."""

    contents: ArchiveContents
    sessions: AsyncIterator[Sequence[Session]]
    """Also those that have ended, the oldest first, some at a time."""
    events: AsyncIterator[Sequence[HeldEvent]]
    """In the order in which they happened, some at a time."""


@dataclass(frozen=True, slots=True)
class ExportAccount:
    """The caller's account, its credentials without their secrets, its sessions, and the record of events."""

    archive: Archive
    unit_of_work: UnitOfWorkFactory

    async def __call__(self, caller: Caller, origin: Origin = NOWHERE) -> AccountExport:
        """Raises InvalidAccessToken, TooManyAttempts, ServiceUnavailable; the last of them also the two iterators."""
        contents = await self.archive.open(caller, origin)
        work = self.unit_of_work(origin)
        work.record(account_exported(caller.user_id, caller.session_id))
        await work.commit()
        return AccountExport(contents=contents, sessions=self._sessions(contents), events=self._events(contents))

    async def _sessions(self, contents: ArchiveContents) -> AsyncIterator[Sequence[Session]]:
        after = None
        while page := await self.archive.sessions(contents, after=after, at_most=PAGE):
            yield page
            after = page[-1].id

    async def _events(self, contents: ArchiveContents) -> AsyncIterator[Sequence[HeldEvent]]:
        after = 0
        while page := await self.archive.events(contents, after=after, at_most=PAGE):
            yield page
            after = page[-1].position
