"""Tell a subscriber what happened."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from application.outbox.ports import Delivery, Outbox, Subscriber
from application.ports import Clock
from domain.errors import ServiceUnavailable, TooManyAttempts
from domain.outbox.retrying import delay_before_retry, delay_of_what_is_put_off, is_given_up

_ERROR_MAX_LENGTH = 300
_ADDRESS = re.compile(r"\S+@\S*")
_LINK_OR_TOKEN = re.compile(r"\S*://\S*|[\w-]{32,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverEvent:
    """One attempt at one delivery, whatever comes of it: it is done, tried again later, or given up."""

    outbox: Outbox
    subscribers: Sequence[Subscriber]
    clock: Clock
    patience: Callable[[], AbstractAsyncContextManager[object]]
    """Bounds what is done within, by a TimeoutError."""
    jitter: Callable[[], float]
    """From 0 to 1, another one each time, so that what failed together is not tried again together."""

    async def __call__(self, delivery: Delivery) -> None:
        """Raises ServiceUnavailable when the outcome cannot be noted; the delivery is then attempted again."""
        subscriber = next(each for each in self.subscribers if each.name == delivery.subscriber)
        try:
            async with self.patience():
                refusal = await subscriber(delivery.event)
        except TooManyAttempts:
            by = delay_of_what_is_put_off(delivery.attempt, self.jitter())
            await self.outbox.postpone(delivery, by=by, error=None)
            return
        except Exception as failure:  # noqa: BLE001 - whatever a subscriber does wrong must not stop the others
            await self._try_later(delivery, failure)
            return
        if refusal is None:
            await self.outbox.delivered(delivery)
        else:
            await self.outbox.park(delivery, error=_for_the_record(refusal))

    async def _try_later(self, delivery: Delivery, failure: Exception) -> None:
        is_away = isinstance(failure, (ServiceUnavailable, TimeoutError))
        error = _for_the_record(f"{type(failure).__name__}: {failure}")
        if is_given_up(delivery.attempt, self.clock.now() - delivery.created_at, is_away=is_away):
            await self.outbox.park(delivery, error=error)
        else:
            by = delay_before_retry(delivery.attempt, self.jitter(), is_away=is_away)
            await self.outbox.postpone(delivery, by=by, error=error)


def _for_the_record(error: str) -> str:
    """Without what servers like to repeat of a mail: addresses, links, and the tokens in them (G02).

    This stays when the account has been deleted, and an operator reads it.
    """
    return _LINK_OR_TOKEN.sub("<link>", _ADDRESS.sub("<address>", error))[:_ERROR_MAX_LENGTH]
