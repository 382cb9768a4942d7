"""What operators do with deliveries, however many there are."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from application.origin import NOWHERE, Origin
from application.outbox import list_deliveries
from application.outbox.drop_deliveries import DropDeliveries
from application.outbox.list_deliveries import ListDeliveries
from application.outbox.retry_deliveries import RetryDeliveries
from domain.events import DomainEvent
from tests.support.builders import new_id
from tests.support.memory import MemoryWorld

GRACE = Origin(operator="grace")


async def parked(world: MemoryWorld, number: int) -> Sequence[int]:
    work = world.unit_of_work(NOWHERE)
    for _ in range(number):
        work.record(DomainEvent(type="password.changed", user_id=new_id()))
    await work.commit()
    claimed = await world.outbox.claim(["mail"], at_most=number, lease=timedelta(seconds=25))
    for delivery in claimed:
        await world.outbox.park(delivery, error="no such mailbox")
    return [each.id for each in claimed]


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5])
async def test_all_that_were_given_up_are_done_in_batches(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_deliveries, "BATCH", 2)
    world = MemoryWorld()
    desk, listing = world.outbox_desk, ListDeliveries(world.outbox_desk)
    ids = await parked(world, number)

    assert await RetryDeliveries(desk, listing)(None, GRACE) == ids
    assert [each.id for each in (await listing(parked=False, after=0, limit=99)).deliveries] == ids
    assert await DropDeliveries(desk, listing)(None, GRACE) == [], "what waits was not given up"
    assert await DropDeliveries(desk, listing)(ids, GRACE) == ids
    assert await world.outbox_desk.page(parked=False, after=0, at_most=99) == []


async def test_what_operators_do_is_theirs_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they name the deliveries, or mean all that were given up."""
    monkeypatch.setattr(list_deliveries, "BATCH", 2)
    world = MemoryWorld()
    desk, listing = world.outbox_desk, ListDeliveries(world.outbox_desk)
    ids = await parked(world, 3)

    assert await RetryDeliveries(desk, listing)(ids[:1], GRACE) == ids[:1]
    assert await DropDeliveries(desk, listing)(None, GRACE) == ids[1:]

    done = [(event.type, event.data["delivery"], event.origin) for event in (await world.events())[3:]]
    assert done == [
        ("delivery.retried", str(ids[0]), GRACE),
        ("delivery.dropped", str(ids[1]), GRACE),
        ("delivery.dropped", str(ids[2]), GRACE),
    ]


async def test_a_page_says_where_the_next_begins() -> None:
    world = MemoryWorld()
    first, second, third = await parked(world, 3)
    listing = ListDeliveries(world.outbox_desk)

    page = await listing(parked=True, after=0, limit=1)
    assert ([each.id for each in page.deliveries], page.next) == ([first], first)
    page = await listing(parked=True, after=0, limit=2)
    assert ([each.id for each in page.deliveries], page.next) == ([first, second], second)
    rest = await listing(parked=True, after=second, limit=1)
    assert ([each.id for each in rest.deliveries], rest.next) == ([third], None)
