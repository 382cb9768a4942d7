"""The tables of the store in memory."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.origin import Origin
from application.sessions.ports import Caller
from domain.accounts.errors import IdentifierTaken
from domain.accounts.identifiers import EmailAddress, Identifier, Username
from domain.accounts.user import User, UserStatus
from domain.credentials.password import PasswordCredential
from domain.events import DomainEvent
from tests.support.rate_limits import Allowance
from tests.support.world import RecordedEvent, StoredSession


@dataclass
class Rows:
    """The tables. Values are immutable, so that a copy of the tables is a snapshot."""

    users: dict[UUID, User] = field(default_factory=dict)
    credentials: dict[UUID, PasswordCredential] = field(default_factory=dict)
    """By user."""
    sessions: dict[UUID, StoredSession] = field(default_factory=dict)
    arrivals: dict[Allowance, datetime] = field(default_factory=dict)
    events: list[RecordedEvent] = field(default_factory=list)

    def copy(self) -> "Rows":
        return Rows(
            users=dict(self.users),
            credentials=dict(self.credentials),
            sessions=dict(self.sessions),
            arrivals=dict(self.arrivals),
            events=list(self.events),
        )

    def by_identifier(self, identifier: Identifier | None) -> User | None:
        return next((user for user in self.users.values() if _is_named(user, identifier)), None)

    def taken(self, email: EmailAddress, username: Username) -> IdentifierTaken | None:
        owners = (self.by_identifier(email), self.by_identifier(username))
        return IdentifierTaken.of(email=owners[0] is not None, username=owners[1] is not None) if any(owners) else None

    def live(self, caller: Caller, now: datetime) -> StoredSession | None:
        stored = self.sessions.get(caller.session_id)
        if stored is None or stored.session.user_id != caller.user_id or not stored.session.is_live(now):
            return None
        return stored if self.users[caller.user_id].status is UserStatus.ACTIVE else None

    def record(self, event: DomainEvent, origin: Origin) -> None:
        self.events.append(
            RecordedEvent(
                type=event.type,
                user_id=event.user_id,
                session_id=event.session_id,
                data=dict(event.data),
                origin=origin,
            )
        )


def _is_named(user: User, identifier: Identifier | None) -> bool:
    match identifier:
        case EmailAddress():
            return user.email.canonical == identifier.canonical
        case Username():
            return user.username.canonical == identifier.canonical
        case None:
            return False
