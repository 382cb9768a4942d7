"""Photos: what is written in which order, what is left when a step fails, and what the sweep makes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from application.sessions.ports import Caller
from domain.accounts.user import User
from domain.errors import InvalidInput, Overloaded, ServiceUnavailable
from domain.photos.errors import PhotoNotFound
from domain.photos.photo import UNOWNED_GRACE, PhotoSize, is_photo_id
from domain.sessions.errors import InvalidAccessToken
from tests.support.builders import ADA, new_id
from tests.support.memory_photos import NO_PICTURE, renditions_of
from tests.support.photos import picture
from tests.support.service import Service, caller_of

PICTURE = picture(colour="teal")
OTHER = picture(colour="coral")


@pytest.fixture
async def caller(service: Service) -> Caller:
    await service.sign_up()
    caller = caller_of(await service.sign_in())
    service.world.store.rows.events.clear()
    service.world.store.round_trips = 0
    return caller


async def set_photo(service: Service, caller: Caller, data: bytes = PICTURE) -> User:
    async def read() -> bytes:
        return data

    return await service.set_photo(caller, read, ADA)


def on_ledger(service: Service) -> set[str]:
    return set(service.world.store.rows.unowned_photos)


def photo_of(service: Service, caller: Caller) -> str | None:
    return service.world.store.rows.users[caller.user_id].photo_id


async def sweep(service: Service) -> int:
    await service.world.advance(UNOWNED_GRACE + timedelta(seconds=1))
    return await service.sweep_photos()


def assert_whole(service: Service, caller: Caller) -> None:
    """No orphan, and no dead link."""
    owned = photo_of(service, caller)
    assert service.photo_store.photo_ids == ({owned} if owned else set())
    assert on_ledger(service) == set()


async def test_a_photo_is_set(service: Service, caller: Caller) -> None:
    user = await set_photo(service, caller)

    assert user.photo_id is not None
    assert is_photo_id(user.photo_id)
    for size in PhotoSize:
        assert await service.view_photo(user.photo_id, size) == renditions_of(PICTURE)[size]
    assert_whole(service, caller)
    assert user == await service.view_profile(caller)
    [event] = await service.world.events()
    assert (event.type, event.user_id, event.session_id) == ("photo.set", caller.user_id, caller.session_id)
    assert (event.data, event.origin) == ({}, ADA), "without the id, which is all it takes to look at it"


async def test_a_photo_is_replaced_and_the_old_one_is_gone(service: Service, caller: Caller) -> None:
    old = (await set_photo(service, caller)).photo_id
    new = (await set_photo(service, caller, OTHER)).photo_id

    assert old
    assert new
    assert old != new
    with pytest.raises(PhotoNotFound):
        await service.view_photo(old, PhotoSize.SMALL)
    assert await service.view_photo(new, PhotoSize.SMALL) == renditions_of(OTHER)[PhotoSize.SMALL]
    assert_whole(service, caller)


async def test_a_photo_is_removed(service: Service, caller: Caller) -> None:
    photo_id = (await set_photo(service, caller)).photo_id
    await service.remove_photo(caller, ADA)
    await service.remove_photo(caller, ADA)

    assert photo_id
    with pytest.raises(PhotoNotFound):
        await service.view_photo(photo_id, PhotoSize.SMALL)
    assert_whole(service, caller)
    assert await service.event_types() == ["photo.set", "photo.removed"]


async def test_what_is_no_picture_leaves_nothing(service: Service, caller: Caller) -> None:
    with pytest.raises(InvalidInput) as refused:
        await set_photo(service, caller, NO_PICTURE)

    assert [(each.field, each.code) for each in refused.value.violations] == [("photo", "invalid_photo")]
    assert service.world.store.round_trips == 1, "the look at the session"
    assert_whole(service, caller)


async def test_an_overloaded_renderer_leaves_nothing(service: Service, caller: Caller) -> None:
    service.photo_renderer.overloaded = True
    with pytest.raises(Overloaded):
        await set_photo(service, caller)
    assert_whole(service, caller)


async def test_for_a_session_that_has_ended_nothing_is_read(service: Service, caller: Caller) -> None:
    async def read() -> bytes:
        raise AssertionError("read")

    await service.log_out(caller, ADA)
    with pytest.raises(InvalidAccessToken):
        await service.set_photo(caller, read, ADA)
    with pytest.raises(InvalidAccessToken):
        await service.remove_photo(caller, ADA)
    with pytest.raises(InvalidAccessToken):
        await set_photo(service, Caller(user_id=caller.user_id, session_id=new_id()))
    assert service.photo_renderer.rendered == []


async def test_a_log_out_during_the_upload_wins(service: Service, caller: Caller) -> None:
    service.photo_store.meanwhile = lambda: service.log_out(caller, ADA)

    with pytest.raises(InvalidAccessToken):
        await set_photo(service, caller)
    assert photo_of(service, caller) is None
    assert len(service.photo_store.photo_ids) == 1
    assert await sweep(service) == 1
    assert_whole(service, caller)


async def test_an_upload_that_took_longer_than_the_grace_is_refused(service: Service, caller: Caller) -> None:
    before = (await set_photo(service, caller)).photo_id
    service.photo_store.meanwhile = lambda: sweep(service)

    with pytest.raises(ServiceUnavailable):
        await set_photo(service, caller, OTHER)
    assert photo_of(service, caller) == before
    assert_whole(service, caller)


Step = Callable[[Service], Awaitable[object]]


async def _store_away(service: Service) -> None:
    service.photo_store.is_away = True


async def _database_away(service: Service) -> None:
    service.world.store.is_away = True


async def test_a_store_that_is_away_costs_the_photo_alone(service: Service, caller: Caller) -> None:
    before = (await set_photo(service, caller)).photo_id
    assert before
    await _store_away(service)

    with pytest.raises(ServiceUnavailable):
        await set_photo(service, caller, OTHER)
    with pytest.raises(ServiceUnavailable):
        await service.view_photo(before, PhotoSize.SMALL)
    assert await service.view_photo(before, PhotoSize.SMALL, is_at_hand=True) is None
    with pytest.raises(PhotoNotFound):
        await service.view_photo("A" * 43, PhotoSize.SMALL)
    assert (await service.view_profile(caller)).photo_id == before
    with pytest.raises(ServiceUnavailable):
        await sweep(service)
    service.photo_store.is_away = False
    assert await sweep(service) == 1
    assert_whole(service, caller)


async def test_a_photo_is_removed_while_the_store_is_away(service: Service, caller: Caller) -> None:
    photo_id = (await set_photo(service, caller)).photo_id
    assert photo_id
    await _store_away(service)
    await service.remove_photo(caller, ADA)

    with pytest.raises(PhotoNotFound):
        await service.view_photo(photo_id, PhotoSize.SMALL)
    service.photo_store.is_away = False
    assert await sweep(service) == 1
    assert_whole(service, caller)


async def test_a_database_that_goes_during_the_upload_leaves_it_to_the_sweep(service: Service, caller: Caller) -> None:
    service.photo_store.meanwhile = lambda: _database_away(service)
    with pytest.raises(ServiceUnavailable):
        await set_photo(service, caller)
    service.world.store.is_away = False

    assert photo_of(service, caller) is None
    assert await sweep(service) == 1
    assert_whole(service, caller)


async def test_the_sweep_leaves_alone_what_is_young_and_what_is_owned(service: Service, caller: Caller) -> None:
    await set_photo(service, caller)
    young = await service.store_photo(OTHER)

    assert await service.sweep_photos() == 0
    await service.world.advance(UNOWNED_GRACE - timedelta(seconds=1))
    assert await service.sweep_photos() == 0
    assert young in service.photo_store.photo_ids
    assert await sweep(service) == 1
    assert_whole(service, caller)


async def test_the_sweep_does_some_at_a_time_and_any_number_of_nodes_may_sweep(service: Service) -> None:
    for _ in range(150):
        await service.store_photo(PICTURE)

    assert await sweep(service) == 100
    assert max(await asyncio.gather(*(service.sweep_photos() for _ in range(4)))) == 50
    assert service.photo_store.photo_ids == on_ledger(service) == set()


@pytest.mark.parametrize("photo_id", ["", "A" * 42, "A" * 44, "../../../" + "A" * 34, "A" * 42 + "=", "é" + "A" * 42])
async def test_f07_what_is_no_id_is_looked_up_nowhere(service: Service, photo_id: str) -> None:
    """F07."""
    with pytest.raises(PhotoNotFound):
        await service.view_photo(photo_id, PhotoSize.LARGE)
    assert service.world.store.round_trips == 0


async def test_looking_takes_one_round_trip(service: Service, caller: Caller) -> None:
    photo_id = (await set_photo(service, caller)).photo_id
    assert photo_id
    service.world.store.round_trips = 0
    await service.view_photo(photo_id, PhotoSize.LARGE)

    assert service.world.store.round_trips == 1


async def test_uploads_at_once_leave_one_photo(service: Service, caller: Caller) -> None:
    await asyncio.gather(*(set_photo(service, caller, picture(width=1 + number)) for number in range(8)))

    await sweep(service)
    assert photo_of(service, caller) is not None
    assert_whole(service, caller)


async def test_uploads_and_removals_at_once_leave_no_orphan(service: Service, caller: Caller) -> None:
    uploads = (set_photo(service, caller, picture(width=1 + number)) for number in range(4))
    await asyncio.gather(*uploads, *(service.remove_photo(caller, ADA) for _ in range(4)))

    await sweep(service)
    assert_whole(service, caller)


async def test_an_old_photo_that_cannot_be_deleted_now_is_left_to_the_sweep(service: Service, caller: Caller) -> None:
    await set_photo(service, caller)
    service.photo_store.meanwhile = lambda: _store_away(service)

    new = (await set_photo(service, caller, OTHER)).photo_id

    assert photo_of(service, caller) == new
    service.photo_store.is_away = False
    assert await sweep(service) == 1
    assert_whole(service, caller)
