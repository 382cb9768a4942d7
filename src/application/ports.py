"""The ports that every capability shares: time, ids, the unit of work, and whoever waits for the answer."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.accounts.ports import AccountWriter
from application.credentials.ports import CredentialWriter
from application.origin import Origin
from application.photos.ports import PhotoWriter
from application.recovery.ports import EmailChangeWriter, OneTimeTokenWriter
from application.sessions.ports import AttemptWriter, SessionWriter
from application.sign_ups.ports import SignUpWriter
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


class Asker(Protocol):
    """Whoever waits for the answer to what is being done, and may leave before there is one."""

    def leaving_calls(self, act: Callable[[], object]) -> AbstractContextManager[None]:
        """Within the context, ``act`` is called soon after they have left, in the event loop."""
        ...


ASKER: ContextVar[Asker | None] = ContextVar("asker", default=None)
"""Who asked for what the current task does; ``None`` where nobody can leave, as in a script.

A context variable, for it decides no outcome: it lets a queue drop what nobody waits for any more, and every signature
from the request to the queue would have to carry it (decision record 0025).
"""


class Writers(Protocol):
    """What a unit of work can be told to write, a writer for each kind of row."""

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

    @property
    def photos(self) -> PhotoWriter:
        """Of whose photo is whose."""
        ...


class WritersOfWhatWaits(Protocol):
    """The writers of what waits until a mail is answered."""

    @property
    def one_time_tokens(self) -> OneTimeTokenWriter:
        """Of one-time tokens."""
        ...

    @property
    def email_changes(self) -> EmailChangeWriter:
        """Of changes of address."""
        ...

    @property
    def sign_ups(self) -> SignUpWriter:
        """Of sign-ups that wait."""
        ...


class UnitOfWork(Writers, WritersOfWhatWaits, Protocol):
    """The writes of one use case: all of them are done, or none.

    Nothing but ``commit`` is awaited, because nothing but ``commit`` does anything: the writers say what is
    to be written. The use case commits before it answers, and commits what it writes *because of* a refusal before
    it raises (X01).
    """

    def record(self, event: DomainEvent) -> None:
        """Write the event down with the change it tells of (G04)."""
        ...

    def note(self, event: DomainEvent) -> None:
        """The same for what anybody may cause as often as they like: at most 60 an hour from one source (D06).

        Nobody is told of it. One that is too many is left out, and everything else is written.
        """
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
