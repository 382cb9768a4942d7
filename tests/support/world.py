"""What a contract suite needs: the ports over one store, a clock that can be moved, and a look at what was written.

The suites in ``tests/contract`` run on every implementation of :class:`World`, so that what the use cases are tested
with behaves like what they run on. They know no absolute time: a store that tells its own time moves the clock by
shifting its rows into the past.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.accounts.export_account import Archive
from application.accounts.ports import Registrations, UserDirectory, UsernameHistory
from application.credentials.ports import Reauthentications
from application.mail.ports import MailAllowance
from application.notices.ports import DeviceHistory
from application.origin import Origin
from application.outbox.ports import Outbox, OutboxDesk
from application.photos.ports import PhotoLedger
from application.ports import UnitOfWorkFactory
from application.recovery.ports import EmailChanges, OneTimeTokenRepository, RecoveryRequests
from application.sessions.ports import LogInAttempts, SessionRepository
from application.sign_ups.ports import SignUpConfirmations, SignUps
from domain.limits import Rule
from domain.sessions.session import Session

SIGN_IN_ACCOUNT = "sign_in.account"
SIGN_IN_SOURCE = "sign_in.source"
SIGN_IN_PAIR = "sign_in.pair"
SIGN_IN_DEVICE = "sign_in.device"
SIGN_IN_ALL = "sign_in.all"
SIGN_UP_ACCOUNT = "sign_up.account"
SIGN_UP_SOURCE = "sign_up.source"
SIGN_UP_ALL = "sign_up.all"
EXPORT_ACCOUNT = "export.account"
RECOVERY_ACCOUNT = "recovery.account"
RECOVERY_SOURCE = "recovery.source"
RECOVERY_ALL = "recovery.all"
SIGN_IN_NOTICE = "sign_in.notice"
REFUSAL_NOTICE = "refusal.notice"
MAIL_RECIPIENT = "mail.recipient"
MAIL_TOTAL = "mail.total"


SUBSCRIPTIONS: Mapping[str, Sequence[str]] = {
    "user.registered": ["mail", "chat"],
    "password.changed": ["mail"],
    "log_in.limited": ["mail"],
    "session.ended/refresh_token_reused": ["mail"],
    "session.ended/password_changed": ["mail"],
}
"""Who is told what."""


TEN_MINUTES = timedelta(minutes=10)
HOUR = timedelta(hours=1)
DEVICE_LIFETIME = timedelta(days=180)

LIMITS: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(SIGN_IN_ACCOUNT, 10, TEN_MINUTES, HOUR),
        Rule(SIGN_IN_PAIR, 10, TEN_MINUTES, HOUR),
        Rule(SIGN_IN_DEVICE, 10, TEN_MINUTES, HOUR),
        Rule(SIGN_IN_SOURCE, 40, timedelta(seconds=400)),
        Rule(SIGN_IN_ALL, 60, HOUR),
        Rule(SIGN_UP_ACCOUNT, 5, HOUR),
        Rule(SIGN_UP_SOURCE, 20, HOUR),
        Rule(SIGN_UP_ALL, 60, HOUR),
        Rule(EXPORT_ACCOUNT, 3, HOUR),
        Rule(RECOVERY_ACCOUNT, 4, HOUR),
        Rule(RECOVERY_SOURCE, 10, HOUR),
        Rule(RECOVERY_ALL, 40, HOUR),
        Rule(SIGN_IN_NOTICE, 1, HOUR),
        Rule(REFUSAL_NOTICE, 3, HOUR),
        Rule(MAIL_RECIPIENT, 3, HOUR),
        Rule(MAIL_TOTAL, 8, HOUR),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as it was written down, with where the request came from."""

    type: str
    user_id: UUID | None
    session_id: UUID | None
    data: Mapping[str, str]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """A session as it is kept: the entity, the digest of its current token, and that token's secret, sealed."""

    session: Session
    digest: bytes
    sealed: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """A delivery as it is kept; ``event`` is the event's place in the record."""

    id: int
    subscriber: str
    event: int
    user_id: UUID | None
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    claim: UUID | None = None
    claimed_until: datetime | None = None
    parked_at: datetime | None = None
    last_error: str | None = None


class World(Protocol):
    """One store behind all ports."""

    @property
    def limits(self) -> Mapping[str, Rule]:
        """The limits that are in force, by rule."""
        ...

    @property
    def registrations(self) -> Registrations: ...

    @property
    def usernames(self) -> UsernameHistory: ...

    @property
    def attempts(self) -> LogInAttempts: ...

    @property
    def sessions(self) -> SessionRepository: ...

    @property
    def photos(self) -> PhotoLedger: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def outbox_desk(self) -> OutboxDesk: ...

    @property
    def reauthentications(self) -> Reauthentications: ...

    @property
    def archive(self) -> Archive: ...
    def recovery_requests(self) -> RecoveryRequests: ...

    @property
    def one_time_tokens(self) -> OneTimeTokenRepository: ...

    @property
    def devices(self) -> DeviceHistory: ...

    @property
    def mail_allowance(self) -> MailAllowance: ...

    @property
    def email_changes(self) -> EmailChanges: ...

    @property
    def sign_ups(self) -> SignUps: ...

    @property
    def sign_up_confirmations(self) -> SignUpConfirmations: ...

    @property
    def directory(self) -> UserDirectory: ...

    @property
    def unit_of_work(self) -> UnitOfWorkFactory: ...

    async def empty(self) -> None:
        """Forget every row; called before each test."""
        ...

    async def advance(self, by: timedelta) -> None:
        """Let time pass."""
        ...

    async def disable(self, user_id: UUID) -> None:
        """Set the account's status, and nothing else."""
        ...

    async def change_email(self, user_id: UUID, email: str) -> None:
        """Give the account another address, and do nothing else."""
        ...

    async def change_password_version(self, user_id: UUID) -> None:
        """Raise the version of the account's password by one, as a change of the password does."""
        ...

    async def end_session(self, session_id: UUID, reason: str) -> None:
        """As another version would, for a reason that this one may not know, and do nothing else."""
        ...

    async def events(self) -> list[RecordedEvent]:
        """All of them, in the order they were written."""
        ...

    async def sign_up_tokens(self, sign_up_id: UUID) -> int:
        """How many tokens confirm the sign-up that waits."""
        ...

    async def session_row(self, session_id: UUID) -> StoredSession | None:
        """The session as it is kept, whether it is live or not."""
        ...
