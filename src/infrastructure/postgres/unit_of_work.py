"""The writes of one use case, gathered and done as one statement."""

from dataclasses import dataclass

from application.origin import Origin
from application.ports import IdGenerator
from domain.events import DomainEvent
from infrastructure.postgres.accounts import PostgresAccountWriter
from infrastructure.postgres.credentials import PostgresCredentialWriter
from infrastructure.postgres.database import Database
from infrastructure.postgres.events import recorded
from infrastructure.postgres.limits import PostgresAttemptWriter, RateLimits
from infrastructure.postgres.sessions import PostgresSessionWriter
from infrastructure.postgres.writes import Write, write_all


class PostgresUnitOfWork:
    """Gathers writes; ``commit`` does them. See the port for what that promises."""

    def __init__(self, database: Database, new_id: IdGenerator, limits: RateLimits, origin: Origin) -> None:
        self._database = database
        self._new_id = new_id
        self._origin = origin
        self._writes: list[Write] = []
        self.accounts = PostgresAccountWriter(self._writes.append)
        self.credentials = PostgresCredentialWriter(self._writes.append)
        self.sessions = PostgresSessionWriter(self._writes.append)
        self.attempts = PostgresAttemptWriter(self._writes.append, limits)

    def record(self, event: DomainEvent) -> None:
        """Write the event down with the change it tells of."""
        self._writes.append(recorded(self._new_id(), event, self._origin))

    async def commit(self) -> None:
        """Do all of it, or raise the refusal of the write that cannot be done. Nothing is left to be done twice."""
        writes, self._writes[:] = tuple(self._writes), []
        if writes:
            await write_all(self._database, writes)


@dataclass(frozen=True, slots=True)
class PostgresUnitOfWorkFactory:
    """Begins units of work on one database."""

    database: Database
    new_id: IdGenerator
    limits: RateLimits

    def __call__(self, origin: Origin) -> PostgresUnitOfWork:
        """A new one, empty."""
        return PostgresUnitOfWork(self.database, self.new_id, self.limits, origin)
