"""Read the audit log from its front to its end, entries and heads in the order in which they are verified."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from application.audit.ports import AuditQuery, AuditTrail, KeptEntry
from domain.audit.head import SignedHead

PAGE = 1000
EVERYTHING = AuditQuery(with_keys=False)


@dataclass(frozen=True, slots=True)
class ReadChain:
    """Page by page, so that a long log takes no more memory than a short one. Sealing may go on meanwhile."""

    trail: AuditTrail

    async def __call__(self, *, with_keys: bool = False) -> AsyncIterator[KeptEntry | SignedHead]:
        """Each head stands behind the last entry that it signs; entries that none signs come last.

        ``with_keys`` for whoever reads what is personal.

        Raises ServiceUnavailable, as the iterator does.
        """
        return self._chain(replace(EVERYTHING, with_keys=with_keys))

    async def _chain(self, everything: AuditQuery) -> AsyncIterator[KeptEntry | SignedHead]:
        number, entries = 0, _Entries(self.trail, everything)
        while True:
            heads = await self.trail.heads(after=number, at_most=PAGE)
            for kept_as, signed in heads:
                number = kept_as
                async for kept in entries.up_to(_reach(signed)):
                    yield kept
                yield signed
            # Entries come with their head. Those that are seen now and whose head is not are somebody else's.
            if not heads and not await self._are_signed(entries.sequence, number):
                break
        async for kept in entries.up_to(None):
            yield kept

    async def _are_signed(self, sequence: int, number: int) -> bool:
        """Whether a head has come with what has been sealed meanwhile."""
        more = await self.trail.entries(EVERYTHING, after=sequence, at_most=1)
        return bool(more and await self.trail.heads(after=number, at_most=1))


class _Entries:
    """Read in whole pages, however little each head signs."""

    def __init__(self, trail: AuditTrail, query: AuditQuery) -> None:
        self._trail = trail
        self._query = query
        self._page: deque[KeptEntry] = deque()
        self.sequence = 0
        """Of the last one that was given."""

    async def up_to(self, last: int | None) -> AsyncIterator[KeptEntry]:
        """The next in their order, up to that sequence or to the end."""
        while last is None or self.sequence < last:
            if not self._page:
                self._page.extend(await self._trail.entries(self._query, after=self.sequence, at_most=PAGE))
            if not self._page or (last is not None and self._page[0].link.sequence > last):
                return
            kept = self._page.popleft()
            self.sequence = kept.link.sequence
            yield kept


def _reach(signed: SignedHead) -> int:
    """How far it says that it reaches; nowhere, when it says nothing that can be read."""
    try:
        return int(signed.head.sequence)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return 0
