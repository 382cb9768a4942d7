"""Smaller limits on sign-in for as long as lists of stolen passwords are tried.

Which sources that is for is kept in the process and looked up again every few seconds, so that a sign-in asks nothing
more of the database for it. What is counted is counted by the database, exactly, under the smaller limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from application.origin import Origin
from application.sessions.ports import LogInAttempt, LogInAttempts
from domain.accounts.identifiers import Identifier
from domain.errors import TooManyAttempts
from domain.stuffing.recognition import StuffingKind
from infrastructure.metrics.catalogue import SIGN_INS_SLOWED
from infrastructure.postgres.database import Database
from infrastructure.postgres.limits import RateLimits

_OPEN = "SELECT subject, kind FROM stuffing_episodes WHERE ended_at IS NULL"


@dataclass(slots=True)
class Slowdowns:
    """The episodes that are open, by the limits' subject of their source."""

    database: Database
    _open: Mapping[bytes, StuffingKind] = field(default_factory=dict)

    async def look(self) -> None:
        """As of now. Raises ServiceUnavailable."""
        rows = await self.database.fetch(_OPEN)
        self._open = {row["subject"]: StuffingKind(row["kind"]) for row in rows}

    def of(self, subject: bytes | None) -> StuffingKind | None:
        """Why a source is slowed down, if it is."""
        if not self._open:
            return None
        # What all get is no more than what a single one would.
        return self._open.get(b"") or self._open.get(subject or b"")

    def count(self, kind: StuffingKind) -> int:
        """How many of a kind are open."""
        return sum(each is kind for each in self._open.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowedLogInAttempts:
    """The door of sign-in: one of three that differ in their limits, by who is at it."""

    limits: RateLimits
    slowdowns: Slowdowns
    usual: LogInAttempts
    by_kind: Mapping[StuffingKind, LogInAttempts]

    async def open(self, identifier: Identifier | None, typed: str, origin: Origin) -> LogInAttempt:
        """See the port."""
        kind = self.slowdowns.of(self.limits.source_subject(origin))
        if kind is None:
            return await self.usual.open(identifier, typed, origin)
        try:
            return await self.by_kind[kind].open(identifier, typed, origin)
        except TooManyAttempts:
            SIGN_INS_SLOWED.add(kind.value)
            raise
