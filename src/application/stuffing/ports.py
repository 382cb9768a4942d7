"""What watching sign-ins needs of the world."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from domain.stuffing.recognition import SignIns, StuffingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time in which a list is tried, that is not over. ``source`` is an address, ``None`` for many of them."""

    id: UUID
    kind: StuffingKind
    source: str | None
    quiet_for: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInsNow:
    """The sign-ins of the last window, by source where there is something to say of it, and together.

    ``others`` is without the sources of open episodes, which are dealt with. ``usual`` are the windows of
    the last week in which nothing was recognised, by what failed and what succeeded; those that are over when the last
    one begins.
    """

    by_source: Sequence[tuple[str, SignIns]]
    others: SignIns
    usual: Sequence[SignIns]
    episodes: Sequence[Episode]


class StuffingRecord(Protocol):
    """The counts, and what was made of them. Each method raises ServiceUnavailable."""

    async def now(self, *, accounts: int) -> SignInsNow:
        """As of now; of single sources those that failed with so many accounts or more, and those of episodes."""
        ...

    async def open(self, kind: StuffingKind, source: str | None, seen: SignIns) -> bool:
        """An episode begins, with its event and whoever is to be told of it, all or nothing.

        ``False`` if it is open already: of any number of watchers one opens it.
        """
        ...

    async def go_on(self, episode: Episode, seen: SignIns) -> None:
        """It is not over."""
        ...

    async def end(self, episode: Episode) -> None:
        """It is over, with an event; once, whoever says so."""
        ...

    async def keep_usual(self, seen: SignIns) -> None:
        """Keep the counts of this window, once, as what is usual here."""
        ...
