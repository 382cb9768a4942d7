"""The tables of the store in memory."""

import math
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from application.accounts.ports import IDEMPOTENCY_KEY_KEPT, IDEMPOTENCY_KEY_LEASE, KeyClaim, KeyedRequest
from application.origin import Origin
from application.recovery.ports import OneTimeToken
from application.sessions.ports import Caller
from domain.accounts.errors import IdempotencyKeyReused, IdentifierTaken, RequestInProgress, UsernameTaken
from domain.accounts.identifiers import EmailAddress, Identifier, Username
from domain.accounts.pending_sign_up import SIGN_UP_ID, PendingSignUp
from domain.accounts.profile_change import (
    next_username_change,
    recent_username_changes,
    username_changed_too_often,
)
from domain.accounts.user import User, UserStatus
from domain.credentials.password import PasswordCredential
from domain.events import DomainEvent
from domain.recovery.email_change import EmailChange, FormerEmail
from domain.recovery.one_time_token import TokenPurpose
from domain.sessions.session import Session
from tests.support.memory_audit_rows import AuditRows, Waiting
from tests.support.rate_limits import Counters
from tests.support.world import SUBSCRIPTIONS, RecordedEvent, StoredDelivery, StoredSession


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOneTimeToken:
    purpose: TokenPurpose
    user_id: UUID
    email: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class StoredSignUp:
    """A sign-up that waits, and the digests of the tokens that confirm it."""

    sign_up: PendingSignUp
    expires_at: datetime
    digests: frozenset[bytes] = frozenset()


@dataclass(frozen=True)
class KeptKey:
    """A key by which a sign-up may be sent again, what it was used for, and what came of it."""

    content: str
    attempt: UUID
    claimed_at: datetime
    user_id: UUID | None = None

    def is_live(self, now: datetime) -> bool:
        return now - self.claimed_at < (IDEMPOTENCY_KEY_KEPT if self.user_id else IDEMPOTENCY_KEY_LEASE)


@dataclass
class Rows:
    """The tables. Values are immutable, so that a copy of the tables is a snapshot."""

    users: dict[UUID, User] = field(default_factory=dict)
    reserved_usernames: dict[str, UUID | None] = field(default_factory=dict)
    """Who alone may have it, by canonical form."""
    username_changes: dict[UUID, list[datetime]] = field(default_factory=dict)
    """By user."""
    credentials: dict[UUID, PasswordCredential] = field(default_factory=dict)
    """By user."""
    sessions: dict[UUID, StoredSession] = field(default_factory=dict)
    one_time_tokens: dict[bytes, StoredOneTimeToken] = field(default_factory=dict)
    """By digest."""
    email_changes: dict[UUID, EmailChange] = field(default_factory=dict)
    """By user."""
    former_emails: list[FormerEmail] = field(default_factory=list)
    """The oldest first."""
    sign_ups: dict[UUID, StoredSignUp] = field(default_factory=dict)
    counters: Counters = field(default_factory=dict)
    keys: dict[bytes, KeptKey] = field(default_factory=dict)
    events: list[RecordedEvent] = field(default_factory=list)
    unowned_photos: dict[str, datetime] = field(default_factory=dict)
    """Since when, by id."""
    deliveries: dict[int, StoredDelivery] = field(default_factory=dict)
    last_delivery: int = 0
    audit: AuditRows = field(default_factory=AuditRows)

    def copy(self) -> "Rows":
        return Rows(
            users=dict(self.users),
            reserved_usernames=dict(self.reserved_usernames),
            username_changes=dict(self.username_changes),
            credentials=dict(self.credentials),
            sessions=dict(self.sessions),
            one_time_tokens=dict(self.one_time_tokens),
            email_changes=dict(self.email_changes),
            former_emails=list(self.former_emails),
            sign_ups=dict(self.sign_ups),
            counters=dict(self.counters),
            keys=dict(self.keys),
            events=list(self.events),
            unowned_photos=dict(self.unowned_photos),
            deliveries=dict(self.deliveries),
            last_delivery=self.last_delivery,
            audit=self.audit.copy(),
        )

    def by_identifier(self, identifier: Identifier | None) -> User | None:
        return next((user for user in self.users.values() if _is_named(user, identifier)), None)

    def taken(self, email: EmailAddress, username: Username) -> IdentifierTaken | None:
        email_taken = self.by_identifier(email) is not None
        username_taken = username.canonical in self.reserved_usernames or self.by_identifier(username) is not None
        taken = email_taken or username_taken
        return IdentifierTaken.of(email=email_taken, username=username_taken) if taken else None

    def change_username(self, user_id: UUID, username: Username, now: datetime) -> None:
        is_another = username.canonical != self.users[user_id].username.canonical
        recent = recent_username_changes(self.username_changes.get(user_id, []), now)
        if is_another and next_username_change(recent, now):
            raise username_changed_too_often()
        if self.reserved_usernames.setdefault(username.canonical, user_id) != user_id:
            raise UsernameTaken
        if is_another:
            self.username_changes[user_id] = [*recent, now]

    def live_key(self, keyed: KeyedRequest | None, now: datetime) -> KeptKey | None:
        """What the key was used for, while that counts."""
        kept = self.keys.get(keyed.key.encode()) if keyed else None
        return kept if kept and kept.is_live(now) else None

    def claim(self, keyed: KeyedRequest, now: datetime) -> KeyClaim:
        """Raises IdempotencyKeyReused, RequestInProgress."""
        if kept := self.live_key(keyed, now):
            if kept.content != keyed.content:
                raise IdempotencyKeyReused
            age = now - kept.claimed_at
            wait = min(age, IDEMPOTENCY_KEY_LEASE - age)
            raise RequestInProgress(retry_after=max(1, math.ceil(wait.total_seconds())))
        digest = keyed.key.encode()
        self.keys[digest] = KeptKey(content=keyed.content, attempt=keyed.attempt, claimed_at=now)
        return KeyClaim(digest, keyed.attempt)

    def complete(self, claim: KeyClaim, user_id: UUID) -> None:
        kept = self.keys.get(claim.digest)
        if kept is None or kept.attempt != claim.attempt or kept.user_id:
            raise RequestInProgress
        self.keys[claim.digest] = replace(kept, user_id=user_id)

    def live(self, caller: Caller, now: datetime) -> StoredSession | None:
        stored = self.sessions.get(caller.session_id)
        if stored is None or stored.session.user_id != caller.user_id or not stored.session.is_live(now):
            return None
        return stored if self.users[caller.user_id].status is UserStatus.ACTIVE else None

    def all_live(self, user_id: UUID, now: datetime) -> list[Session]:
        sessions = [stored.session for stored in self.sessions.values() if stored.session.user_id == user_id]
        return [each for each in sessions if self.live(Caller(user_id=user_id, session_id=each.id), now)]

    def redeemable(self, token: OneTimeToken, now: datetime) -> User | None:
        stored = self.one_time_tokens.get(token.digest)
        if stored is None or stored.purpose != token.purpose or stored.expires_at <= now:
            return None
        user = self.users[stored.user_id]
        return user if user.status is UserStatus.ACTIVE and self.address_of(stored) else None

    def address_of(self, token: StoredOneTimeToken) -> EmailAddress | None:
        """The address that the token was made for, if that counts."""
        user, change = self.users[token.user_id], self.email_changes.get(token.user_id)
        match token.purpose:
            case TokenPurpose.NEW_EMAIL:
                addresses = [change.email] if change else []
            case TokenPurpose.ACCOUNT_FREEZE:
                former = [each.email for each in self.former_emails if each.user_id == token.user_id]
                addresses = [*former, user.email]
            case _:
                addresses = [user.email]
        return next((address for address in addresses if address.canonical == token.email), None)

    def remove(self, user_id: UUID) -> None:
        """What the foreign keys do in a database, and what is personal in the user's events."""
        del self.users[user_id], self.credentials[user_id]
        for name, owner in self.reserved_usernames.items():
            self.reserved_usernames[name] = None if owner == user_id else owner
        self.sessions = {key: each for key, each in self.sessions.items() if each.session.user_id != user_id}
        self.one_time_tokens = {key: each for key, each in self.one_time_tokens.items() if each.user_id != user_id}
        self.email_changes.pop(user_id, None)
        self.former_emails = [each for each in self.former_emails if each.user_id != user_id]
        self.strip_events_of(user_id)
        self.audit.erase(user_id)

    def strip_events_of(self, user_id: UUID) -> bool:
        """Of what is personal; whether there was anything. The sign-up that became the account names no user."""
        before = self.events
        is_theirs = [user_id == each.user_id or each.data.get(SIGN_UP_ID) == str(user_id) for each in before]
        self.events = [_anonymous(each) if theirs else each for each, theirs in zip(before, is_theirs, strict=True)]
        return self.events != before

    def record(self, event: DomainEvent, origin: Origin, now: datetime) -> None:
        self.events.append(
            RecordedEvent(
                type=event.type,
                user_id=event.user_id,
                session_id=event.session_id,
                data={**event.data, **origin.attribution},
                origin=origin,
            )
        )
        self.audit.queue.append(Waiting(len(self.events) - 1, now))
        for subscriber in dict.fromkeys(name for topic in event.topics for name in SUBSCRIPTIONS.get(topic, ())):
            self.last_delivery += 1
            self.deliveries[self.last_delivery] = StoredDelivery(
                id=self.last_delivery,
                subscriber=subscriber,
                event=len(self.events) - 1,
                user_id=event.user_id,
                created_at=now,
                due_at=now,
            )


def _anonymous(event: RecordedEvent) -> RecordedEvent:
    data = {name: value for name, value in event.data.items() if name != "identifier_digest"}
    return replace(event, data=data, origin=Origin(request_id=event.origin.request_id, operator=event.origin.operator))


def _is_named(user: User, identifier: Identifier | None) -> bool:
    match identifier:
        case EmailAddress():
            return user.email.canonical == identifier.canonical
        case Username():
            return user.username.canonical == identifier.canonical
        case None:
            return False
