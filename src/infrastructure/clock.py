"""The time of the database, told without asking it each time."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

if sys.platform == "linux":
    # Unlike the monotonic clock it goes on while the machine is suspended.
    _elapsed: Callable[[], float] = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
else:
    _elapsed = time.monotonic


class DatabaseClock:
    """Implements ``application.ports.Clock``: the last time the database told, and what has elapsed since.

    A node whose own clock is wrong or is stepped therefore revives no token and ends no session (X09). Until the
    database has told its time once, it is the system's.
    """

    def __init__(self, elapsed: Callable[[], float] = _elapsed) -> None:
        """``elapsed`` gives seconds from some fixed moment; it never goes back."""
        self._elapsed = elapsed
        self._anchor: tuple[datetime, float] | None = None

    def anchor(self, database_now: datetime) -> None:
        """Go by this time from now on; called at start and periodically, because oscillators drift.

        Raises ValueError for a time without an offset.
        """
        if database_now.tzinfo is None:
            raise ValueError("the database's time has no offset")
        self._anchor = (database_now.astimezone(UTC), self._elapsed())

    def now(self) -> datetime:
        """An aware time in UTC."""
        if self._anchor is None:
            return datetime.now(UTC)
        database_now, since = self._anchor
        return database_now + timedelta(seconds=self._elapsed() - since)
