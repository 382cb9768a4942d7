"""The ports over one store in memory, true to what they promise: see ``tests/contract``.

Every operation looks at and changes the rows without giving way to other tasks, so each is atomic; before it does, it
gives way once, like a round trip to a database would, so that races between use cases do happen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from uuid import UUID

from application.accounts.ports import KeyedRequest, OpenRegistration, UserQuery, UserReference, UserScan
from application.credentials.ports import ReauthenticationAttempt
from application.origin import Origin
from application.recovery.ports import OneTimeToken, RecoveryRequest, Redeemable
from application.sessions.ports import (
    Caller,
    DeviceTokens,
    LiveSession,
    LogInAttempt,
    NewRefreshToken,
    PresentedRefreshToken,
    RefreshedSession,
    SessionPage,
    SessionPosition,
)
from application.sign_ups.ports import ConfirmationAttempt
from domain.accounts.errors import IdentifierTaken
from domain.accounts.identifiers import EmailAddress, Identifier, Username
from domain.accounts.pending_sign_up import PendingSignUp
from domain.accounts.profile_change import next_username_change
from domain.accounts.user import User, UserStatus
from domain.events import DomainEvent
from domain.limits import MOST_IN_A_ROW, Allowance, Rule
from domain.recovery.one_time_token import TokenPurpose
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.events import log_in_limited, session_ended
from domain.sessions.known_device import KnownDevice
from domain.sessions.refresh_chain import RefreshOutcome
from domain.sessions.session import EndReason, Session
from tests.support import memory_users, rate_limits
from tests.support.fakes import FakeDeviceTokens
from tests.support.memory_archive import MemoryArchive
from tests.support.memory_email_changes import MemoryEmailChanges, StagedEmailChangeWrites
from tests.support.memory_notices import MemoryDeviceHistory, MemoryMailAllowance
from tests.support.memory_one_time_tokens import StagedTokenWrites
from tests.support.memory_outbox import MemoryOutbox, MemoryOutboxDesk
from tests.support.memory_photos import StagedPhotoWrites
from tests.support.memory_rows import Rows
from tests.support.memory_sign_ups import MemorySignUps, StagedSignUpWrites
from tests.support.memory_store import MemoryStore, Noted
from tests.support.memory_writes import StagedWrites
from tests.support.rate_limits import Journey, Key
from tests.support.world import (
    DEVICE_LIFETIME,
    LIMITS,
    RECOVERY_ACCOUNT,
    RECOVERY_ALL,
    RECOVERY_SOURCE,
    REFUSAL_NOTICE,
    SIGN_IN_ACCOUNT,
    SIGN_IN_ALL,
    SIGN_IN_DEVICE,
    SIGN_IN_NOTICE,
    SIGN_IN_PAIR,
    SIGN_IN_SOURCE,
    SIGN_UP_ACCOUNT,
    SIGN_UP_ALL,
    SIGN_UP_SOURCE,
    RecordedEvent,
    StoredSession,
)

DIGEST_KEY = b"a key of the tests"
BUDGET = b"all"


def _source(rule: str, origin: Origin) -> tuple[Key, ...]:
    return () if origin.ip_address is None else ((rule, rate_limits.source_of(origin.ip_address)),)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), key=DIGEST_KEY, digest_size=16).hexdigest()


@dataclass(frozen=True)
class MemoryRegistrations:
    store: MemoryStore

    async def open(
        self,
        email: EmailAddress,
        username: Username,
        origin: Origin,
        keyed: KeyedRequest | None = None,
        *,
        whoever_has_the_email: bool = False,
    ) -> OpenRegistration:
        now = await self.store.round_trip()
        rows = self.store.rows
        kept = rows.live_key(keyed, now)
        is_repeat = kept is not None and keyed is not None and kept.content == keyed.content
        by_email = (SIGN_UP_ACCOUNT, bytes.fromhex(_digest(email.canonical)))
        journey = Journey(
            "sign-up",
            (*_source(SIGN_UP_SOURCE, origin), by_email),
            told=SIGN_UP_SOURCE,
            budget=(SIGN_UP_ALL, BUDGET),
            is_counted=not is_repeat,
        )
        self.store.count(journey, origin, now)
        taken = rows.taken(email, username)
        if taken and whoever_has_the_email:
            is_named = any(violation.field == "username" for violation in taken.violations)
            taken = IdentifierTaken.of(email=False, username=True) if is_named else None
        if kept and is_repeat and kept.user_id:
            return OpenRegistration(now=now, taken=taken, done_as=kept.user_id)
        claim = rows.claim(keyed, now) if keyed and (kept or not taken) else None
        return OpenRegistration(now=now, taken=taken, claim=claim)

    async def by_id(self, user_id: UUID) -> User | None:
        await self.store.round_trip()
        return self.store.rows.users.get(user_id)

    async def taken(self, email: EmailAddress, username: Username) -> IdentifierTaken | None:
        await self.store.round_trip()
        return self.store.rows.taken(email, username)


@dataclass(frozen=True)
class MemoryUsernameHistory:
    store: MemoryStore

    async def next_change(self, user_id: UUID) -> datetime | None:
        now = await self.store.round_trip()
        return next_username_change(self.store.rows.username_changes.get(user_id, []), now)


@dataclass(frozen=True)
class MemoryLogInAttempts:
    store: MemoryStore
    device_tokens: DeviceTokens = field(default_factory=FakeDeviceTokens)

    async def open(self, identifier: Identifier | None, typed: str, origin: Origin) -> LogInAttempt:
        now = await self.store.round_trip()
        user = self.store.rows.by_identifier(identifier)
        credential = self.store.rows.credentials[user.id] if user else None
        # Of the canonical form, or an unknown user would have a counter for every spelling and a known one would not.
        digest = _digest(identifier.canonical if identifier else typed)
        subject = user.id.bytes + credential.version.to_bytes(4) if user and credential else bytes.fromhex(digest)
        notice = log_in_limited(user.id if user else None, digest)
        noted = Noted((SIGN_IN_NOTICE, subject), notice, origin)
        device = self.device_tokens.read(origin.device_token) if origin.device_token else None
        if device and not device.is_known_to(credential, now, DEVICE_LIFETIME):
            device = None
        allowances = self.store.count(_sign_in(origin, subject, device), origin, now, noted=noted)
        if device:
            account = self.store.limits[SIGN_IN_ACCOUNT]
            released = Allowance(account.name, subject, account.interval * 0, failures_proven=MOST_IN_A_ROW)
            allowances = (*allowances, released)
        return LogInAttempt(
            now=now,
            identifier_digest=digest,
            user=user,
            credential=credential,
            allowances=allowances,
            device_id=device.id if device else None,
        )


def _sign_in(origin: Origin, subject: bytes, device: KnownDevice | None) -> Journey:
    if device:
        return Journey("sign-in", [(SIGN_IN_DEVICE, device.id.bytes)], told=SIGN_IN_DEVICE, published=SIGN_IN_PAIR)
    source = _source(SIGN_IN_SOURCE, origin)
    pair = [(SIGN_IN_PAIR, by + subject) for _, by in source]
    keys = [*source, *pair, (SIGN_IN_ACCOUNT, subject)]
    return Journey("sign-in", keys, told=SIGN_IN_DEVICE, published=SIGN_IN_PAIR, budget=(SIGN_IN_ALL, BUDGET))


def _position(session: Session) -> tuple[datetime, UUID]:
    return session.created_at, session.id


@dataclass(frozen=True)
class MemoryUserDirectory:
    store: MemoryStore

    async def find(self, reference: UserReference) -> User | None:
        await self.store.round_trip()
        if isinstance(reference, UUID):
            return self.store.rows.users.get(reference)
        return self.store.rows.by_identifier(reference)

    async def scan(self, query: UserQuery, *, after: UUID | None, limit: int) -> UserScan:
        await self.store.round_trip()
        return memory_users.scan(self.store.rows.users.values(), query, after, limit)


@dataclass(frozen=True)
class MemorySessionRepository:
    store: MemoryStore

    async def live(self, caller: Caller) -> LiveSession | None:
        now = await self.store.round_trip()
        stored = self.store.rows.live(caller, now)
        if stored is None:
            return None
        return LiveSession(user=self.store.rows.users[caller.user_id], session=stored.session, now=now)

    async def live_of(self, user_id: UUID, *, limit: int, after: SessionPosition | None = None) -> SessionPage:
        return self._page(user_id, await self.store.round_trip(), limit, after)

    async def live_beside(
        self, caller: Caller, *, limit: int, after: SessionPosition | None = None
    ) -> SessionPage | None:
        now = await self.store.round_trip()
        return self._page(caller.user_id, now, limit, after) if self.store.rows.live(caller, now) else None

    def _page(self, user_id: UUID, now: datetime, limit: int, after: SessionPosition | None) -> SessionPage:
        live = sorted(self.store.rows.all_live(user_id, now), key=_position, reverse=True)
        left = [session for session in live if after is None or _position(session) < (after.created_at, after.id)]
        more = (
            SessionPosition(created_at=left[limit - 1].created_at, id=left[limit - 1].id) if len(left) > limit else None
        )
        return SessionPage(sessions=left[:limit], next=more)

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
            rows.record(session_ended(session.id, session.user_id, EndReason.REFRESH_TOKEN_REUSED), origin, now)
        if outcome in {RefreshOutcome.REFUSED, RefreshOutcome.REUSED} or kept.sealed is None:
            return None
        return RefreshedSession(
            live=LiveSession(user=rows.users[session.user_id], session=session, now=now), sealed=kept.sealed
        )


@dataclass(frozen=True)
class MemoryPhotoLedger:
    store: MemoryStore

    async def announce(self, photo_id: str) -> None:
        self.store.rows.unowned_photos[photo_id] = await self.store.round_trip()

    async def is_owned(self, photo_id: str) -> bool:
        await self.store.round_trip()
        return any(user.photo_id == photo_id for user in self.store.rows.users.values())

    async def unowned(self, *, for_longer_than: timedelta, at_most: int) -> Sequence[str]:
        now = await self.store.round_trip()
        ledger = self.store.rows.unowned_photos
        found = [photo_id for photo_id, since in ledger.items() if since < now - for_longer_than]
        return sorted(found, key=ledger.__getitem__)[:at_most]

    async def forget(self, photo_id: str) -> None:
        await self.store.round_trip()
        self.store.rows.unowned_photos.pop(photo_id, None)


@dataclass(frozen=True)
class MemoryReauthentications:
    store: MemoryStore

    async def open(self, caller: Caller, origin: Origin) -> ReauthenticationAttempt:
        now = await self.store.round_trip()
        stored = self.store.rows.live(caller, now)
        if stored is None:
            raise InvalidAccessToken
        notice = log_in_limited(caller.user_id, _digest(str(caller.user_id)))
        noted = Noted((SIGN_IN_NOTICE, caller.user_id.bytes), notice, origin)
        keys = [(SIGN_IN_DEVICE, caller.session_id.bytes)]
        journey = Journey("reauthentication", keys, told=SIGN_IN_DEVICE)
        allowances = self.store.count(journey, origin, now, noted=noted)
        return ReauthenticationAttempt(
            live=LiveSession(user=self.store.rows.users[caller.user_id], session=stored.session, now=now),
            credential=self.store.rows.credentials[caller.user_id],
            allowances=allowances,
        )


@dataclass(frozen=True)
class MemorySignUpConfirmations:
    store: MemoryStore

    async def open(self, sign_up: PendingSignUp, origin: Origin) -> ConfirmationAttempt:
        now = await self.store.round_trip()
        digest = _digest(sign_up.email.canonical)
        noted = Noted((SIGN_IN_NOTICE, sign_up.id.bytes), log_in_limited(None, digest), origin)
        journey = Journey("confirmation", [(SIGN_IN_DEVICE, sign_up.id.bytes)], told=SIGN_IN_DEVICE)
        allowances = self.store.count(journey, origin, now, noted=noted)
        return ConfirmationAttempt(now=now, identifier_digest=digest, allowances=allowances)


@dataclass(frozen=True)
class MemoryRecoveryRequests:
    store: MemoryStore

    async def open(self, email: EmailAddress, origin: Origin) -> RecoveryRequest:
        now = await self.store.round_trip()
        digest = _digest(email.canonical)
        keys = (*_source(RECOVERY_SOURCE, origin), (RECOVERY_ACCOUNT, bytes.fromhex(digest)))
        self.store.count(Journey("recovery", keys, told=RECOVERY_SOURCE, budget=(RECOVERY_ALL, BUDGET)), origin, now)
        user = self.store.rows.by_identifier(email)
        return RecoveryRequest(user_id=user.id if user else None, identifier_digest=digest)


@dataclass(frozen=True)
class MemoryOneTimeTokenRepository:
    store: MemoryStore

    async def redeemable(self, token: OneTimeToken) -> Redeemable | None:
        now = await self.store.round_trip()
        user = self.store.rows.redeemable(token, now)
        rows = self.store.rows
        email = rows.address_of(rows.one_time_tokens[token.digest]) if user else None
        if user is None or email is None:
            return None
        is_new = token.purpose is TokenPurpose.NEW_EMAIL
        return Redeemable(
            user=user,
            credential=rows.credentials[user.id],
            email=email,
            email_change=rows.email_changes[user.id] if is_new else None,
        )


class MemoryUnitOfWork:
    def __init__(self, store: MemoryStore, origin: Origin) -> None:
        self.store = store
        self.origin = origin
        self.writes = StagedWrites(origin)
        self.events: list[DomainEvent] = []
        self.notes: list[DomainEvent] = []

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

    @property
    def photos(self) -> StagedPhotoWrites:
        return StagedPhotoWrites(self.writes.staged.append)

    @property
    def sign_ups(self) -> StagedSignUpWrites:
        return StagedSignUpWrites(self.writes.staged.append)

    @property
    def one_time_tokens(self) -> StagedTokenWrites:
        return StagedTokenWrites(self.writes.staged.append)

    @property
    def email_changes(self) -> StagedEmailChangeWrites:
        return StagedEmailChangeWrites(self.writes.staged.append)

    def record(self, event: DomainEvent) -> None:
        self.events.append(event)

    def note(self, event: DomainEvent) -> None:
        self.notes.append(event)

    async def commit(self) -> None:
        now = await self.store.round_trip()
        rows = self.store.rows.copy()
        writes, self.writes.staged = self.writes.staged, []
        events, self.events = self.events, []
        for write in writes:
            write(rows, now)
        for event in events:
            rows.record(event, self.origin, now)
        notes, self.notes = self.notes, []
        source = b"" if self.origin.ip_address is None else rate_limits.source_of(self.origin.ip_address)
        for event in notes:
            if rate_limits.count_one(rows.counters, self.store.limits, (REFUSAL_NOTICE, source), now):
                rows.record(event, self.origin, now)
        self.store.rows = rows


class MemoryWorld:
    """Implements :class:`tests.support.world.World`."""

    def __init__(self, limits: Mapping[str, Rule] = LIMITS) -> None:
        self.limits = limits
        self.store = MemoryStore(limits)
        self.registrations = MemoryRegistrations(self.store)
        self.attempts = MemoryLogInAttempts(self.store)
        self.usernames = MemoryUsernameHistory(self.store)
        self.sessions = MemorySessionRepository(self.store)
        self.photos = MemoryPhotoLedger(self.store)
        self.reauthentications = MemoryReauthentications(self.store)
        self.archive = MemoryArchive(self.store)
        self.recovery_requests = MemoryRecoveryRequests(self.store)
        self.one_time_tokens = MemoryOneTimeTokenRepository(self.store)
        self.email_changes = MemoryEmailChanges(self.store)
        self.sign_ups = MemorySignUps(self.store)
        self.sign_up_confirmations = MemorySignUpConfirmations(self.store)
        self.outbox = MemoryOutbox(self.store)
        self.outbox_desk = MemoryOutboxDesk(self.store)
        self.devices = MemoryDeviceHistory(self.store)
        self.mail_allowance = MemoryMailAllowance(self.store)
        self.directory = MemoryUserDirectory(self.store)
        self.unit_of_work = partial(MemoryUnitOfWork, self.store)

    async def empty(self) -> None:
        self.store.rows = Rows()

    async def advance(self, by: timedelta) -> None:
        self.store.clock.advance(by)

    async def disable(self, user_id: UUID) -> None:
        users = self.store.rows.users
        users[user_id] = replace(users[user_id], status=UserStatus.DISABLED)

    async def change_email(self, user_id: UUID, email: str) -> None:
        users = self.store.rows.users
        users[user_id] = replace(users[user_id], email=EmailAddress(email, email))

    async def change_password_version(self, user_id: UUID) -> None:
        credentials = self.store.rows.credentials
        credentials[user_id] = replace(credentials[user_id], version=credentials[user_id].version + 1)

    async def end_session(self, session_id: UUID, reason: str) -> None:
        sessions, now = self.store.rows.sessions, self.store.clock.now()
        ended = replace(sessions[session_id].session, ended_at=now, end_reason=reason)
        sessions[session_id] = replace(sessions[session_id], session=ended)

    async def events(self) -> list[RecordedEvent]:
        return list(self.store.rows.events)

    async def sign_up_tokens(self, sign_up_id: UUID) -> int:
        stored = self.store.rows.sign_ups.get(sign_up_id)
        return len(stored.digests) if stored else 0

    async def session_row(self, session_id: UUID) -> StoredSession | None:
        return self.store.rows.sessions.get(session_id)
