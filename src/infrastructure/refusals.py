"""What the limits have refused a moment ago, kept in the process, so that a flood does not get to the database (D02).

It only repeats refusals that are out already, with what is left of their ``Retry-After``. Counting is for the
database alone: nothing is admitted here.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from math import ceil

AT_MOST = 10.0
"""Seconds that a refusal is repeated without asking again: a password that was reset meanwhile opens the door at once
everywhere else, and soon here. A flood costs the database one question in that time, and counter."""
CAPACITY = 4096
"""Counters at once. With more, those that were refused first are asked for again."""


class Refusals:
    """Remembers them by whatever names a counter."""

    def __init__(self, capacity: int = CAPACITY, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._ends: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        """By counter: until when it is repeated, and when the wait is over."""

    def note(self, counter: Hashable, wait: float) -> None:
        """The database has refused it just now, for so many seconds."""
        now = self._clock()
        self._ends[counter] = (now + min(wait, AT_MOST), now + wait)
        self._ends.move_to_end(counter)
        while len(self._ends) > self._capacity:
            self._ends.popitem(last=False)

    def wait(self, counters: Iterable[Hashable]) -> int | None:
        """Whole seconds that the first of them still has to wait; ``None`` if the database is to be asked."""
        now = self._clock()
        for counter in counters:
            repeated, over = self._ends.get(counter, (now, now))
            if repeated > now:
                return max(1, ceil(over - now))
            self._ends.pop(counter, None)
        return None

    def __len__(self) -> int:
        return len(self._ends)
