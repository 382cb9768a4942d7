"""The ports over one store in memory, true to what they promise: see ``tests/contract``.

Every operation looks at and changes the rows without giving way to other tasks, so each is atomic; before it does, it
gives way once, like a round trip to a database would, so that races between use cases do happen.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from uuid import UUID

from application.accounts.ports import OpenRegistration
from application.origin import Origin
from application.sessions.ports import (
    Caller,
    LiveSession,
    LogInAttempt,
    NewRefreshToken,
    PresentedRefreshToken,
    RefreshedSession,
)
from domain.accounts.errors import IdentifierTaken
from domain.accounts.identifiers import EmailAddress, Identifier, Username
from domain.accounts.user import UserStatus
from domain.errors import ServiceUnavailable
from domain.events import DomainEvent
from domain.sessions.events import session_ended
from domain.sessions.refresh_chain import RefreshOutcome
from domain.sessions.session import EndReason
from tests.support import rate_limits
from tests.support.clock import MovableClock
from tests.support.memory_rows import Rows
from tests.support.memory_writes import StagedWrites
from tests.support.rate_limits import Allowance
from tests.support.world import (
    LIMITS,
    SIGN_IN_ACCOUNT,
    SIGN_IN_SOURCE,
    SIGN_UP_ACCOUNT,
    SIGN_UP_SOURCE,
    Limit,
    RecordedEvent,
    StoredSession,
)

DIGEST_KEY = b"a key of the tests"


@dataclass
class MemoryStore:
    """The rows, the limits and the clock that all adapters share."""

    limits: Mapping[str, Limit]
    clock: MovableClock = field(default_factory=MovableClock)
    rows: Rows = field(default_factory=Rows)
    round_trips: int = 0
    is_away: bool = False

    async def round_trip(self) -> datetime:
        """Give way to others, as the network does. Raises ServiceUnavailable while the store is away."""
        self.round_trips += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise ServiceUnavailable
        return self.clock.now()

    def count(self, allowances: tuple[Allowance, ...], now: datetime) -> None:
        """Count an attempt on each counter up to the first that refuses it. Raises TooManyAttempts."""
        for allowance in allowances:
            rate_limits.count(self.rows.arrivals, self.limits, allowance, now)


def _source(rule: str, origin: Origin) -> tuple[Allowance, ...]:
    return () if origin.ip_address is None else ((rule, rate_limits.source_of(origin.ip_address)),)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), key=DIGEST_KEY, digest_size=16).hexdigest()


@dataclass(frozen=True)
class MemoryRegistrations:
    store: MemoryStore

    async def open(self, email: EmailAddress, username: Username, origin: Origin) -> OpenRegistration:
        now = await self.store.round_trip()
        by_email = (SIGN_UP_ACCOUNT, bytes.fromhex(_digest(email.canonical)))
        self.store.count((*_source(SIGN_UP_SOURCE, origin), by_email), now)
        return OpenRegistration(now=now, taken=self.store.rows.taken(email, username))

    async def taken(self, email: EmailAddress, username: Username) -> IdentifierTaken | None:
        await self.store.round_trip()
        return self.store.rows.taken(email, username)


@dataclass(frozen=True)
class MemoryLogInAttempts:
    store: MemoryStore

    async def open(self, identifier: Identifier | None, typed: str, origin: Origin) -> LogInAttempt:
        now = await self.store.round_trip()
        user = self.store.rows.by_identifier(identifier)
        # Of the canonical form, or an unknown user would have a counter for every spelling and a known one would not.
        digest = _digest(identifier.canonical if identifier else typed)
        subject = user.id.bytes if user else bytes.fromhex(digest)
        allowances = (*_source(SIGN_IN_SOURCE, origin), (SIGN_IN_ACCOUNT, subject))
        self.store.count(allowances, now)
        return LogInAttempt(
            now=now,
            identifier_digest=digest,
            user=user,
            credential=self.store.rows.credentials[user.id] if user else None,
            allowances=allowances,
        )


@dataclass(frozen=True)
class MemorySessionRepository:
    store: MemoryStore

    async def live(self, caller: Caller) -> LiveSession | None:
        now = await self.store.round_trip()
        stored = self.store.rows.live(caller, now)
        if stored is None:
            return None
        return LiveSession(user=self.store.rows.users[caller.user_id], session=stored.session, now=now)

    async def refresh(
        self, presented: PresentedRefreshToken, digest: bytes, successor: NewRefreshToken, origin: Origin
    ) -> RefreshedSession | None:
        now = await self.store.round_trip()
        rows = self.store.rows
        stored = rows.sessions.get(presented.session_id)
        if stored is None or rows.users[stored.session.user_id].status is not UserStatus.ACTIVE:
            return None
        session, outcome = stored.session.refresh(
            presented.generation, is_current_secret=digest == stored.digest, now=now
        )
        kept = replace(stored, session=session)
        if outcome is RefreshOutcome.ROTATED:
            kept = replace(kept, digest=successor.digest, sealed=successor.sealed)
        rows.sessions[session.id] = kept
        if outcome is RefreshOutcome.REUSED:
            rows.record(session_ended(session.id, session.user_id, EndReason.REFRESH_TOKEN_REUSED), origin)
        if outcome in {RefreshOutcome.REFUSED, RefreshOutcome.REUSED} or kept.sealed is None:
            return None
        return RefreshedSession(
            live=LiveSession(user=rows.users[session.user_id], session=session, now=now), sealed=kept.sealed
        )


class MemoryUnitOfWork:
    def __init__(self, store: MemoryStore, origin: Origin) -> None:
        self.store = store
        self.origin = origin
        self.writes = StagedWrites(store.limits)
        self.events: list[DomainEvent] = []

    @property
    def accounts(self) -> StagedWrites:
        return self.writes

    @property
    def credentials(self) -> StagedWrites:
        return self.writes

    @property
    def sessions(self) -> StagedWrites:
        return self.writes

    @property
    def attempts(self) -> StagedWrites:
        return self.writes

    def record(self, event: DomainEvent) -> None:
        self.events.append(event)

    async def commit(self) -> None:
        now = await self.store.round_trip()
        rows = self.store.rows.copy()
        for write in self.writes.staged:
            write(rows, now)
        for event in self.events:
            rows.record(event, self.origin)
        self.store.rows = rows


class MemoryWorld:
    """Implements :class:`tests.support.world.World`."""

    def __init__(self, limits: Mapping[str, Limit] = LIMITS) -> None:
        self.limits = limits
        self.store = MemoryStore(limits)
        self.registrations = MemoryRegistrations(self.store)
        self.attempts = MemoryLogInAttempts(self.store)
        self.sessions = MemorySessionRepository(self.store)
        self.unit_of_work = partial(MemoryUnitOfWork, self.store)

    async def empty(self) -> None:
        self.store.rows = Rows()

    async def advance(self, by: timedelta) -> None:
        self.store.clock.advance(by)

    async def disable(self, user_id: UUID) -> None:
        users = self.store.rows.users
        users[user_id] = replace(users[user_id], status=UserStatus.DISABLED)

    async def change_password_version(self, user_id: UUID) -> None:
        credentials = self.store.rows.credentials
        credentials[user_id] = replace(credentials[user_id], version=credentials[user_id].version + 1)

    async def events(self) -> list[RecordedEvent]:
        return list(self.store.rows.events)

    async def session_row(self, session_id: UUID) -> StoredSession | None:
        return self.store.rows.sessions.get(session_id)
