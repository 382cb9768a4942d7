"""One attempt at one delivery, and what comes of it."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import ClassVar

import pytest

from application.origin import NOWHERE
from application.outbox.deliver_event import DeliverEvent
from application.outbox.ports import Delivery, DeliveryStatus
from domain.errors import ServiceUnavailable, TooManyAttempts
from domain.events import DomainEvent, RecordedEvent
from domain.outbox.retrying import ATTEMPTS_AT_MOST, AWAY_FOR_AT_MOST
from interfaces.worker.worker import Worker
from tests.support.builders import new_id
from tests.support.memory import MemoryWorld
from tests.support.memory_outbox import MemoryOutbox


@dataclass
class Listener:
    """Notes what it is told; ``answer`` is what it makes of it."""

    name: ClassVar[str] = "mail"
    topics: ClassVar[frozenset[str]] = frozenset({"password.changed"})
    told: list[RecordedEvent] = field(default_factory=list)
    answer: Callable[[], str | None] = lambda: None

    async def __call__(self, event: RecordedEvent) -> str | None:
        self.told.append(event)
        return self.answer()


@dataclass
class Desk:
    world: MemoryWorld
    listener: Listener
    worker: Worker

    async def happen(self) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.record(DomainEvent(type="password.changed", user_id=new_id()))
        await work.commit()

    async def waiting(self) -> DeliveryStatus | None:
        return next(iter(await self.world.outbox_desk.page(parked=False, after=0, at_most=9)), None)

    async def parked(self) -> DeliveryStatus | None:
        return next(iter(await self.world.outbox_desk.page(parked=True, after=0, at_most=9)), None)


@pytest.fixture
def desk() -> Desk:
    world, listener = MemoryWorld(), Listener()
    deliver = DeliverEvent(
        outbox=world.outbox,
        subscribers=[listener],
        clock=world.store.clock,
        patience=nullcontext,
        jitter=lambda: 1.0,
    )
    return Desk(world, listener, Worker(world.outbox, deliver))


def failing(error: Exception) -> Callable[[], str | None]:
    def fail() -> str | None:
        raise error

    return fail


async def test_what_is_delivered_is_gone(desk: Desk) -> None:
    await desk.happen()

    assert [await desk.worker.work_once() for _ in range(2)] == [1, 0]

    assert [told.type for told in desk.listener.told] == ["password.changed"]
    assert await desk.waiting() is None


async def test_what_is_refused_is_given_up_at_once(desk: Desk) -> None:
    desk.listener.answer = lambda: "no such mailbox"
    await desk.happen()

    await desk.worker.work_once()

    parked = await desk.parked()
    assert parked is not None
    assert parked.last_error == "no such mailbox"


async def test_what_fails_is_tried_again_later_and_then_given_up(desk: Desk) -> None:
    desk.listener.answer = failing(KeyError("colour"))
    await desk.happen()

    await desk.worker.work_once()
    assert await desk.worker.work_once() == 0, "not at once"
    waiting = await desk.waiting()
    assert waiting is not None
    assert waiting.last_error == "KeyError: 'colour'"
    for _ in range(ATTEMPTS_AT_MOST):
        await desk.world.advance(timedelta(minutes=15))
        await desk.worker.work_once()

    parked = await desk.parked()
    assert parked is not None
    assert (parked.attempts, parked.last_error) == (ATTEMPTS_AT_MOST, "KeyError: 'colour'")


@pytest.mark.parametrize("error", [ServiceUnavailable("no mail server"), TimeoutError()])
async def test_what_waits_for_somebody_away_is_tried_for_days(desk: Desk, error: Exception) -> None:
    desk.listener.answer = failing(error)
    await desk.happen()

    for _ in range(3 * ATTEMPTS_AT_MOST):
        await desk.worker.work_once()
        await desk.world.advance(timedelta(minutes=1))
    assert await desk.parked() is None

    await desk.world.advance(AWAY_FOR_AT_MOST)
    await desk.worker.work_once()
    assert await desk.parked() is not None


async def test_what_is_put_off_is_no_failure_and_goes_on_for_as_long_as_it_likes(desk: Desk) -> None:
    desk.listener.answer = failing(ServiceUnavailable("no mail server"))
    await desk.happen()
    await desk.worker.work_once()
    desk.listener.answer = failing(TooManyAttempts())

    for attempts in range(2, 3 * ATTEMPTS_AT_MOST):
        await desk.world.advance(timedelta(hours=2))
        assert await desk.worker.work_once() == 1
        waiting = await desk.waiting()
        assert waiting is not None
        assert (waiting.attempts, waiting.last_error) == (attempts, None)

    desk.listener.answer = lambda: None
    assert await desk.worker.work_once() == 0, "not before its time"
    await desk.world.advance(timedelta(hours=2))
    await desk.worker.work_once()
    assert (await desk.waiting(), await desk.parked()) == (None, None)


async def test_a_failure_keeps_nobody_else_waiting(desk: Desk) -> None:
    failures = [KeyError("colour")]

    def answer() -> None:
        if failures:
            raise failures.pop()

    desk.listener.answer = answer
    await desk.happen()
    await desk.happen()

    assert await desk.worker.work_once() == 2

    assert len(desk.listener.told) == 2
    waiting = await desk.waiting()
    assert waiting is not None
    assert waiting.attempts == 1


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "550 <ada@example.test>: no mailbox of ada@example.test here",
            "550 <address> no mailbox of <address> here",
        ),
        (
            f"554 blocked (https://auth.example/reset-password?token=crm_pr_{'x' * 43}) as crm_pr_{'x' * 43}",
            "554 blocked <link> as <link>",
        ),
    ],
)
async def test_g02_what_is_kept_of_a_refusal_has_no_address_and_no_link_in_it(desk: Desk, said: str, kept: str) -> None:
    """It outlives the account, whose deletion does not know of it."""
    desk.listener.answer = lambda: said
    await desk.happen()

    await desk.worker.work_once()

    parked = await desk.parked()
    assert parked is not None
    assert parked.last_error == kept


class Forgetful(MemoryOutbox):
    async def postpone(self, delivery: Delivery, *, by: timedelta, error: str | None) -> None:
        raise ServiceUnavailable


class OneFails(Listener):
    async def __call__(self, event: RecordedEvent) -> str | None:
        self.told.append(event)
        if len(self.told) == 1:
            raise ValueError
        for _ in range(9):
            await asyncio.sleep(0)
        return self.answer()


async def test_one_whose_outcome_cannot_be_noted_cuts_no_other_off(desk: Desk) -> None:
    """Else a mail that is being sent would be sent twice."""
    for _ in range(2):
        await desk.happen()
    outbox, finished = Forgetful(desk.world.store), asyncio.Event()
    listener = OneFails(answer=finished.set)
    deliver = replace(desk.worker.deliver_event, outbox=outbox, subscribers=[listener])

    with pytest.raises(ExceptionGroup):
        await Worker(outbox, deliver).work_once()

    assert finished.is_set()
