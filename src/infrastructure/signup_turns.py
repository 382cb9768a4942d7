"""Turns of sign-ups that want the same identifier."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from domain.accounts.identifiers import EmailAddress, Username
from domain.errors import Overloaded

MAX_WAITING = 32
"""For one identifier; twice as many as anybody has reason to send at once."""
MAX_WAIT = 10.0
"""Seconds. On a busy machine one hash may take some, for it is what gives way (D02)."""


@dataclass(slots=True)
class _Queue:
    """For one identifier. ``length`` counts the one whose turn it is."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class AsyncioSignupTurns:
    """Turns within one process, which is enough: across processes the unique indexes decide (S12)."""

    def __init__(self, *, max_waiting: int = MAX_WAITING, max_wait: float = MAX_WAIT) -> None:
        self._max_length = 1 + max_waiting
        self._max_wait = max_wait
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def take(self, email: EmailAddress, username: Username) -> AsyncIterator[bool]:
        """See the port. Addresses come before usernames, always: so no two sign-ups wait for each other."""
        with self._queued(email.canonical) as for_email, self._queued(username.canonical) as for_username:
            waits = for_email.length > 1 or for_username.length > 1
            async with AsyncExitStack() as turns:
                try:
                    async with asyncio.timeout(self._max_wait):
                        await turns.enter_async_context(for_email.turn)
                        await turns.enter_async_context(for_username.turn)
                except TimeoutError:
                    raise _overloaded() from None
                yield waits

    @contextmanager
    def _queued(self, identifier: str) -> Iterator[_Queue]:
        """The queue with one more in it. Whoever leaves last, by whatever way, leaves nothing behind."""
        queue = self._queues.setdefault(identifier, _Queue())
        if queue.length >= self._max_length:
            raise _overloaded()
        queue.length += 1
        try:
            yield queue
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[identifier]


def _overloaded() -> Overloaded:
    return Overloaded(retry_after=1)
