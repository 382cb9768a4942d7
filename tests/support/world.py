"""What a contract suite needs: the ports over one store, a clock that can be moved, and a look at what was written.

The suites in ``tests/contract`` run on every implementation of :class:`World`, so that what the use cases are tested
with behaves like what they run on. They know no absolute time: a store that tells its own time moves the clock by
shifting its rows into the past.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from application.accounts.ports import Registrations
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.sessions.ports import LogInAttempts, SessionRepository
from domain.sessions.session import Session

SIGN_IN_ACCOUNT = "sign_in.account"
SIGN_IN_SOURCE = "sign_in.source"
SIGN_UP_ACCOUNT = "sign_up.account"
SIGN_UP_SOURCE = "sign_up.source"


@dataclass(frozen=True, slots=True)
class Limit:
    """``burst`` attempts at once; one that is used comes back after ``period / burst``."""

    burst: int
    period: timedelta

    @property
    def interval(self) -> timedelta:
        return self.period / self.burst


LIMITS: Mapping[str, Limit] = {
    SIGN_IN_ACCOUNT: Limit(10, timedelta(minutes=10)),
    SIGN_IN_SOURCE: Limit(100, timedelta(seconds=1000)),
    SIGN_UP_ACCOUNT: Limit(5, timedelta(hours=1)),
    SIGN_UP_SOURCE: Limit(20, timedelta(hours=1)),
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


class World(Protocol):
    """One store behind all ports."""

    @property
    def limits(self) -> Mapping[str, Limit]:
        """The limits that are in force, by rule."""
        ...

    @property
    def registrations(self) -> Registrations: ...

    @property
    def attempts(self) -> LogInAttempts: ...

    @property
    def sessions(self) -> SessionRepository: ...

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

    async def change_password_version(self, user_id: UUID) -> None:
        """Raise the version of the account's password by one, as a change of the password does."""
        ...

    async def events(self) -> list[RecordedEvent]:
        """All of them, in the order they were written."""
        ...

    async def session_row(self, session_id: UUID) -> StoredSession | None:
        """The session as it is kept, whether it is live or not."""
        ...
