"""The ports that every capability shares: time, ids, and the unit of work."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.accounts.ports import AccountWriter
from application.credentials.ports import CredentialWriter
from application.origin import Origin
from application.sessions.ports import AttemptWriter, SessionWriter
from domain.events import DomainEvent


class Clock(Protocol):
    """The time that all nodes agree on (X09: the database's)."""

    def now(self) -> datetime:
        """An aware time in UTC."""
        ...


class IdGenerator(Protocol):
    """Ids that are unique everywhere and sort by time (UUIDv7, RFC 9562 5.7)."""

    def __call__(self) -> UUID:
        """Another one."""
        ...


class UnitOfWork(Protocol):
    """The writes of one use case: all of them are done, or none.

    Nothing but ``commit`` is awaited, because nothing but ``commit`` does anything: the other methods say what is
    to be written. The use case commits before it answers, and commits what it writes *because of* a refusal before
    it raises (X01).
    """

    @property
    def accounts(self) -> AccountWriter:
        """Of accounts."""
        ...

    @property
    def credentials(self) -> CredentialWriter:
        """Of what accounts are proven by."""
        ...

    @property
    def sessions(self) -> SessionWriter:
        """Of sessions."""
        ...

    @property
    def attempts(self) -> AttemptWriter:
        """Of the counters of attempts."""
        ...

    def record(self, event: DomainEvent) -> None:
        """Write the event down with the change it tells of (G04)."""
        ...

    async def commit(self) -> None:
        """Do all of it in one round trip.

        Raises the refusal that a write documents, ServiceUnavailable when the database is away; either way nothing
        was written.
        """
        ...


class UnitOfWorkFactory(Protocol):
    """Begins a unit of work; events recorded in it tell where the request came from (G01)."""

    def __call__(self, origin: Origin) -> UnitOfWork:
        """A new one, empty."""
        ...
