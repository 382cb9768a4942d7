"""How many connections a server process has open, and which of them may have to go (D04)."""

import resource
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

_OTHER_FILES = 256
"""That a process has open besides: the database, what it reads and writes, and connections on their way out."""
_LINGERING_MAX = 100
"""Of those: a refused connection is no longer counted, and stays open until its client has had time to read why."""


class Connection(Protocol):
    """One of them, as far as it matters here."""

    def hang_up(self) -> None:
        """End it at once."""
        ...


@dataclass(slots=True)
class Connections:
    """At most ``most``. For one more, the one goes that has kept the server waiting for longest.

    A connection is waited for as long as no whole request has come on it: it is idle, or half of a request is there.
    Whoever opens connections to send nothing, or little, ends their own oldest by that, while a request that is
    whole is answered. An answer that waits for its reader keeps the server waiting as well. ``patience`` is in seconds,
    for the head of a request.
    """

    most: int = 1000
    patience: float = 10.0
    _waited_for: dict[Connection, None] = field(default_factory=dict)
    _lingering: dict[Connection, None] = field(default_factory=dict)

    def admit(self, open_ones: Collection[object]) -> bool:
        """Whether there is room for a new connection beside those, made by hanging up another if need be."""
        if len(open_ones) < self.most:
            return True
        oldest = next(iter(self._waited_for), None)
        if oldest is None:
            return False
        self.forget(oldest)
        oldest.hang_up()
        return True

    def wait_for(self, connection: Connection) -> None:
        """From now on a request is to come on it."""
        self._waited_for[connection] = None

    def forget(self, connection: Connection) -> None:
        """Its request is there, or it is refused."""
        self._waited_for.pop(connection, None)

    def let_linger(self, connection: Connection) -> None:
        """It is told why it is refused. When too many are, the one goes that has had the longest time to read it."""
        self._lingering[connection] = None
        if len(self._lingering) > _LINGERING_MAX:
            oldest = next(iter(self._lingering))
            del self._lingering[oldest]
            oldest.hang_up()

    def has_gone(self, connection: Connection) -> None:
        """It is closed."""
        self.forget(connection)
        self._lingering.pop(connection, None)


def allow_files_for(most: int) -> bool:
    """Raise how many files a process of ours may have open to what so many connections need; whether that could be.

    Systems allow 1,024 by default, and more to those who ask. One that has none left accepts nobody.
    """
    needed = most + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return True
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed >= needed
