"""The writes of one use case, gathered and done as one statement."""

from collections.abc import Callable
from dataclasses import dataclass, field

from application.origin import Origin
from application.outbox.ports import Subscriptions
from application.ports import IdGenerator
from domain.events import DomainEvent
from infrastructure.postgres.accounts import PostgresAccountWriter
from infrastructure.postgres.counters import PostgresAttemptWriter
from infrastructure.postgres.credentials import PostgresCredentialWriter
from infrastructure.postgres.database import Database
from infrastructure.postgres.email_changes import PostgresEmailChangeWriter
from infrastructure.postgres.events import DELIVER, noted, recorded
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.one_time_tokens import PostgresOneTimeTokenWriter
from infrastructure.postgres.photos import PostgresPhotoWriter
from infrastructure.postgres.sessions import PostgresSessionWriter
from infrastructure.postgres.sign_ups import PostgresSignUpWriter
from infrastructure.postgres.writes import Write, write_all


class PostgresUnitOfWork:
    """Gathers writes; ``commit`` does them. See the port for what that promises."""

    def __init__(
        self,
        database: Database,
        new_id: IdGenerator,
        username_digest: Callable[[str], bytes],
        subscriptions: Subscriptions,
        origin: Origin,
        limits: RateLimits,
        wake_workers: Callable[[], None],
    ) -> None:
        self._database = database
        self._subscriptions = subscriptions
        self._new_id = new_id
        self._limits = limits
        self._origin = origin
        self._wake_workers = wake_workers
        self._writes: list[Write] = []
        self.accounts = PostgresAccountWriter(self._writes.append, username_digest)
        self.credentials = PostgresCredentialWriter(self._writes.append)
        self.photos = PostgresPhotoWriter(self._writes.append)
        self.one_time_tokens = PostgresOneTimeTokenWriter(self._writes.append)
        self.email_changes = PostgresEmailChangeWriter(self._writes.append)
        self.sign_ups = PostgresSignUpWriter(self._writes.append, username_digest)
        self.sessions = PostgresSessionWriter(self._writes.append, origin, subscriptions)
        self.attempts = PostgresAttemptWriter(self._writes.append)

    def record(self, event: DomainEvent) -> None:
        """Write the event down with the change it tells of, and whom it is to be told."""
        self._writes.extend(recorded(self._new_id(), event, self._origin, self._subscriptions))

    def note(self, event: DomainEvent) -> None:
        """Write it down unless there have been too many from where this comes from."""
        self._writes.extend(noted(self._new_id(), event, self._origin, self._limits))

    async def commit(self) -> None:
        """Do all of it, or raise the refusal of the write that cannot be done. Nothing is left to be done twice."""
        writes, self._writes[:] = tuple(self._writes), []
        if writes:
            await write_all(self._database, writes)
        if any(write.statement is DELIVER for write in writes):
            self._wake_workers()


@dataclass(frozen=True, slots=True)
class PostgresUnitOfWorkFactory:
    """Begins units of work on one database."""

    database: Database
    new_id: IdGenerator
    username_digest: Callable[[str], bytes]
    limits: RateLimits
    subscriptions: Subscriptions = field(default_factory=dict)
    wake_workers: Callable[[], None] = lambda: None
    """Called once deliveries are committed; returns at once."""

    def __call__(self, origin: Origin) -> PostgresUnitOfWork:
        """A new one, empty."""
        return PostgresUnitOfWork(
            self.database,
            self.new_id,
            self.username_digest,
            self.subscriptions,
            origin,
            self.limits,
            self.wake_workers,
        )
