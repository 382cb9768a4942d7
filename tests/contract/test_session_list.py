"""The list of a user's live sessions, page by page."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from application.origin import NOWHERE
from application.sessions.ports import Caller, SessionPage, SessionPosition
from domain.sessions.session import EndReason
from tests.support.builders import Device, new_id, registered, signed_in
from tests.support.world import World

List = Callable[..., Awaitable[SessionPage | None]]


async def as_operator(world: World, caller: Caller, *, limit: int, after: SessionPosition | None = None) -> SessionPage:
    return await world.sessions.live_of(caller.user_id, limit=limit, after=after)


async def as_caller(
    world: World, caller: Caller, *, limit: int, after: SessionPosition | None = None
) -> SessionPage | None:
    return await world.sessions.live_beside(caller, limit=limit, after=after)


for_both = pytest.mark.parametrize("list_sessions", [as_operator, as_caller])


async def log_out(world: World, device: Device) -> None:
    work = world.unit_of_work(NOWHERE)
    work.sessions.end(device.caller, EndReason.LOGGED_OUT)
    await work.commit()


async def page_of(list_sessions: List, world: World, device: Device, **asked: object) -> SessionPage:
    page = await list_sessions(world, device.caller, **{"limit": 50} | asked)
    assert page is not None
    return page


@for_both
async def test_live_sessions_are_listed_whole_and_newest_first(world: World, list_sessions: List) -> None:
    ada = await registered(world)
    first = await signed_in(world, ada)
    await world.advance(timedelta(minutes=1))
    second = await signed_in(world, ada)

    page = await page_of(list_sessions, world, first)

    assert [session.id for session in page.sessions] == [second.session.id, first.session.id]
    assert page.sessions[0] == second.session
    assert page.next is None


@for_both
async def test_o05_a_list_has_neither_what_ended_nor_what_is_of_others(world: World, list_sessions: List) -> None:
    ada = await registered(world)
    gone, idle = await signed_in(world, ada), await signed_in(world, ada)
    await log_out(world, gone)
    await world.advance(idle.session.idle_lifetime)
    mine = await signed_in(world, ada)
    await signed_in(world, await registered(world))

    page = await page_of(list_sessions, world, mine)

    assert page.sessions == [mine.session]


@for_both
async def test_pages_are_whole_and_do_not_overlap(world: World, list_sessions: List) -> None:
    """Also for sessions of one and the same moment, and when the one that a page ended at has ended since."""
    ada = await registered(world)
    devices = [await signed_in(world, ada) for _ in range(7)]
    mine = devices[0]
    seen, after, sizes = [], None, []
    while True:
        page = await page_of(list_sessions, world, mine, limit=3, after=after)
        seen += [session.id for session in page.sessions]
        sizes.append(len(page.sessions))
        if page.next is None:
            break
        after = page.next
        await log_out(world, next(device for device in devices if device.session.id == after.id))

    assert (len(seen), set(seen)) == (7, {device.session.id for device in devices})
    assert sizes == [3, 3, 1]


@for_both
@pytest.mark.parametrize(("sessions", "has_more"), [(2, False), (3, True)])
async def test_a_page_says_whether_another_follows(
    world: World, list_sessions: List, sessions: int, *, has_more: bool
) -> None:
    ada = await registered(world)
    devices = [await signed_in(world, ada) for _ in range(sessions)]

    page = await page_of(list_sessions, world, devices[0], limit=2)

    assert len(page.sessions) == 2
    assert (page.next is not None) is has_more


@for_both
async def test_behind_the_last_is_nothing(world: World, list_sessions: List) -> None:
    device = await signed_in(world, await registered(world))
    behind = SessionPosition(created_at=device.session.created_at, id=device.session.id)

    assert await page_of(list_sessions, world, device, after=behind) == SessionPage(sessions=[], next=None)


async def test_whoever_does_not_exist_has_no_sessions(world: World) -> None:
    assert await world.sessions.live_of(new_id(), limit=50) == SessionPage(sessions=[], next=None)


async def test_a_disabled_user_has_no_live_sessions(world: World) -> None:
    device = await signed_in(world, await registered(world))
    await world.disable(device.session.user_id)

    assert (await world.sessions.live_of(device.session.user_id, limit=50)).sessions == []
    assert await world.sessions.live_beside(device.caller, limit=50) is None


async def test_whoever_has_been_signed_out_lists_nothing(world: World) -> None:
    ada = await registered(world)
    mine, other = await signed_in(world, ada), await signed_in(world, ada)
    await log_out(world, mine)
    behind = SessionPosition(created_at=other.session.created_at, id=new_id())

    assert await world.sessions.live_beside(mine.caller, limit=50) is None
    assert await world.sessions.live_beside(mine.caller, limit=50, after=behind) is None


async def test_a_session_of_another_user_lists_nothing(world: World) -> None:
    ada, mallory = await registered(world), await registered(world)
    device = await signed_in(world, ada)

    assert (
        await world.sessions.live_beside(Caller(user_id=mallory.user.id, session_id=device.session.id), limit=50)
        is None
    )
