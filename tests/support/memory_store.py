"""The rows that all adapters in memory share, and what they have to bear: time, distance and failure."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from application.origin import Origin
from domain.errors import ServiceUnavailable
from domain.events import DomainEvent
from domain.limits import Allowance, Rule
from tests.support import rate_limits
from tests.support.clock import MovableClock
from tests.support.memory_rows import Rows
from tests.support.rate_limits import Journey, Key
from tests.support.world import SIGN_IN_SOURCE


@dataclass(frozen=True)
class Noted:
    """The event of a refusal, and the counter that lets it be written only so often."""

    key: Key
    event: DomainEvent
    origin: Origin


@dataclass
class MemoryStore:
    """The rows, the limits and the clock that all adapters share."""

    limits: Mapping[str, Rule]
    clock: MovableClock = field(default_factory=MovableClock)
    rows: Rows = field(default_factory=Rows)
    round_trips: int = 0
    is_away: bool = False

    async def round_trip(self) -> datetime:
        """Give way to others, as the network does. Raises ServiceUnavailable while the store is away."""
        self.round_trips += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise ServiceUnavailable
        return self.clock.now()

    def count(
        self, journey: Journey, origin: Origin, now: datetime, *, noted: Noted | None = None
    ) -> tuple[Allowance, ...]:
        """Count an attempt on each counter up to the first that refuses it. Raises TooManyAttempts."""

        def note(rule: str) -> None:
            is_first = noted and rule != SIGN_IN_SOURCE
            if noted and is_first and rate_limits.count_one(self.rows.counters, self.limits, noted.key, now):
                self.rows.record(noted.event, noted.origin, now)

        return rate_limits.count_journey(self.rows.counters, self.limits, replace(journey, refused=note), origin, now)
