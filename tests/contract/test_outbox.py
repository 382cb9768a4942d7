"""The outbox: what is recorded is delivered at least once, in order for each user, by one worker at a time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from application.origin import Origin
from application.outbox.ports import Delivery
from application.sessions.ports import Caller
from domain.events import DomainEvent
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.events import session_ended
from domain.sessions.session import EndReason
from tests.support.builders import ADA, new_id, registered, signed_in
from tests.support.world import World

LEASE = timedelta(seconds=25)
OPERATOR = Origin(operator="grace")


async def happen(world: World, kind: str = "password.changed", user_id: UUID | None = None) -> None:
    work = world.unit_of_work(ADA)
    work.record(DomainEvent(type=kind, user_id=user_id or new_id(), data={"colour": "green"}))
    await work.commit()


async def claim(world: World, *names: str, at_most: int = 100) -> Sequence[Delivery]:
    return await world.outbox.claim(names or ("mail",), at_most=at_most, lease=LEASE)


async def test_an_event_reaches_its_subscriber_with_all_that_is_known_of_it(world: World) -> None:
    user_id = new_id()
    await happen(world, "user.registered", user_id)

    (delivery,) = await claim(world)

    event = delivery.event
    assert (delivery.subscriber, delivery.attempt) == ("mail", 1)
    assert (event.type, event.user_id, event.data) == ("user.registered", user_id, {"colour": "green"})
    assert (event.ip_address, event.user_agent, event.request_id) == (ADA.ip_address, ADA.user_agent, ADA.request_id)


async def test_each_subscriber_is_told_what_it_asked_for_and_nothing_else(world: World) -> None:
    await happen(world, "user.registered")
    await happen(world, "password.changed")
    await happen(world, "nobody.asks")

    told = sorted((each.subscriber, each.event.type) for each in await claim(world, "mail", "chat", "quiet"))
    assert told == [("chat", "user.registered"), ("mail", "password.changed"), ("mail", "user.registered")]


async def test_x03_nothing_is_delivered_of_what_was_not_done(world: World) -> None:
    work = world.unit_of_work(ADA)
    work.record(DomainEvent(type="user.registered", user_id=new_id()))
    work.sessions.require_live(Caller(user_id=new_id(), session_id=new_id()))
    with pytest.raises(InvalidAccessToken):
        await work.commit()

    assert await claim(world) == []


async def test_one_may_ask_for_one_reason_only(world: World) -> None:
    ada = await registered(world)
    logged_out, ended = await signed_in(world, ada), await signed_in(world, ada)
    work = world.unit_of_work(ADA)
    work.sessions.end(logged_out.caller, EndReason.LOGGED_OUT)
    work.record(session_ended(logged_out.session.id, ada.user.id, EndReason.LOGGED_OUT))
    await work.commit()
    work.sessions.end_all_of(ada.user.id, EndReason.PASSWORD_CHANGED)
    await work.commit()

    (registration,) = await claim(world)
    await world.outbox.delivered(registration)

    assert [each.event.session_id for each in await claim(world)] == [ended.session.id]


async def test_r04_the_reuse_of_a_refresh_token_is_told(world: World) -> None:
    ada = await registered(world)
    (registration,) = await claim(world)
    await world.outbox.delivered(registration)
    device = await signed_in(world, ada)
    token = await device.rotate(await device.rotate(device.first_token))
    await world.advance(timedelta(minutes=1))

    assert await device.refresh(device.first_token) is None

    (delivery,) = await claim(world)
    assert (delivery.event.session_id, delivery.event.data) == (
        device.session.id, {"reason": "refresh_token_reused"},
    )  # fmt: skip
    assert await device.refresh(token) is None


async def test_x14_workers_that_claim_at_once_share(world: World) -> None:
    for _ in range(20):
        await happen(world)

    shares = await asyncio.gather(*(claim(world, at_most=7) for _ in range(4)))

    taken = [each.id for share in shares for each in share]
    assert len(set(taken)) == len(taken)


async def test_what_one_user_is_told_comes_in_order(world: World) -> None:
    ada, bob = new_id(), new_id()
    await happen(world, "user.registered", ada)
    await happen(world, "password.changed", ada)
    await happen(world, "user.registered", bob)

    first, of_bob = await claim(world)
    assert [first.event.user_id, of_bob.event.user_id] == [ada, bob]
    assert await claim(world) == []

    await world.outbox.delivered(first)
    (second,) = await claim(world)
    assert second.event.type == "password.changed"


async def test_one_that_is_put_off_holds_up_its_user_and_nobody_else(world: World) -> None:
    ada = new_id()
    await happen(world, "user.registered", ada)
    await happen(world, "password.changed", ada)
    (first,) = await claim(world)
    await world.outbox.postpone(first, by=timedelta(minutes=1), error="away")
    await happen(world)

    (other,) = await claim(world)

    assert other.event.user_id != ada
    await world.outbox.delivered(other)
    await world.advance(timedelta(minutes=1))
    assert [(each.id, each.attempt) for each in await claim(world)] == [(first.id, 2)]


async def test_one_that_is_put_off_without_an_error_has_none_any_more(world: World) -> None:
    await happen(world)
    for error in ("away", None):
        (delivery,) = await claim(world)
        await world.outbox.postpone(delivery, by=timedelta(0), error=error)
        [status] = await world.outbox_desk.page(parked=False, after=0, at_most=9)
        assert status.last_error == error


async def test_one_that_is_given_up_lets_the_next_pass(world: World) -> None:
    ada = new_id()
    await happen(world, "user.registered", ada)
    await happen(world, "password.changed", ada)
    (first,) = await claim(world)

    await world.outbox.park(first, error="no such mailbox")

    (second,) = await claim(world)
    assert second.event.type == "password.changed"


async def test_x14_a_dead_workers_deliveries_are_given_out_anew(world: World) -> None:
    await happen(world)
    (lost,) = await claim(world)
    assert await claim(world) == []

    await world.advance(LEASE)

    (taken_over,) = await claim(world)
    assert (taken_over.id, taken_over.event.id, taken_over.attempt) == (lost.id, lost.event.id, 2)


@pytest.mark.parametrize("ending", ["delivered", "postpone", "park"])
async def test_x14_a_worker_that_was_taken_for_dead_changes_nothing_any_more(world: World, ending: str) -> None:
    await happen(world)
    (late,) = await claim(world)
    await world.advance(LEASE)
    (current,) = await claim(world)

    match ending:
        case "delivered":
            await world.outbox.delivered(late)
        case "postpone":
            await world.outbox.postpone(late, by=timedelta(0), error="late")
        case _:
            await world.outbox.park(late, error="late")

    assert await claim(world) == []
    await world.outbox.delivered(current)
    await world.advance(LEASE)
    assert await claim(world) == []


async def test_it_tells_when_the_next_is_due(world: World) -> None:
    assert await world.outbox.next_due(["mail"]) is None
    await happen(world)
    (delivery,) = await claim(world)
    await world.outbox.postpone(delivery, by=timedelta(minutes=10), error="away")

    wait = await world.outbox.next_due(["mail"])

    assert wait is not None
    assert timedelta(minutes=9) < wait <= timedelta(minutes=10)
    assert await world.outbox.next_due(["chat"]) is None


async def test_what_was_given_up_can_be_listed_tried_again_and_dropped(world: World) -> None:
    for _ in range(3):
        await happen(world)
    given_up = await claim(world)
    for delivery in given_up:
        await world.outbox.park(delivery, error="no such mailbox")

    listed = await world.outbox_desk.page(parked=True, after=0, at_most=2)
    rest = await world.outbox_desk.page(parked=True, after=listed[-1].id, at_most=2)
    assert [each.id for each in (*listed, *rest)] == [each.id for each in given_up]
    assert {(each.event_type, each.attempts, each.last_error) for each in listed} == {
        ("password.changed", 1, "no such mailbox")
    }
    assert await world.outbox_desk.page(parked=False, after=0, at_most=9) == []

    first, second, third = (each.id for each in given_up)
    assert await world.outbox_desk.drop([first, third + 1], OPERATOR) == [first]
    assert await world.outbox_desk.drop([first], OPERATOR) == []
    assert await world.outbox_desk.retry([first, second], OPERATOR) == [second]
    assert [(each.id, each.attempt) for each in await claim(world)] == [(second, 1)]
    assert await world.outbox_desk.retry([third, third], OPERATOR) == [third]
    assert [each.id for each in await claim(world)] == [third]


@pytest.mark.parametrize("what", ["retried", "dropped"])
async def test_g01_what_an_operator_does_is_recorded_with_who_did_it(world: World, what: str) -> None:
    """G01."""
    user_id = new_id()
    await happen(world, user_id=user_id)
    (delivery,) = await claim(world)
    await world.outbox.park(delivery, error="no such mailbox")
    do = world.outbox_desk.retry if what == "retried" else world.outbox_desk.drop

    for _ in range(2):
        await do([delivery.id, delivery.id + 1], OPERATOR)

    told = {"delivery": str(delivery.id), "subscriber": "mail", "event": str(delivery.event.id)}
    recorded = [event for event in await world.events() if event.type == f"delivery.{what}"]
    assert [(each.user_id, each.data) for each in recorded] == [(user_id, told | {"actor": "operator:grace"})] * (
        2 if what == "retried" else 1
    )


async def test_a_delivery_is_taken_from_a_dead_worker_by_trying_again(world: World) -> None:
    await happen(world)
    (lost,) = await claim(world)
    await world.advance(LEASE)

    assert await world.outbox_desk.retry([lost.id], OPERATOR) == [lost.id]
    await world.outbox.delivered(lost)

    assert [each.id for each in await claim(world)] == [lost.id], "its worker was not dead, and came too late"


async def test_what_is_being_delivered_is_neither_dropped_nor_tried_twice(world: World) -> None:
    await happen(world)
    (delivery,) = await claim(world)

    assert await world.outbox_desk.drop([delivery.id], OPERATOR) == []
    assert await world.outbox_desk.retry([delivery.id], OPERATOR) == []
    assert [event.type for event in await world.events()] == ["password.changed"]
