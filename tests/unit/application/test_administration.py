"""What operators do with accounts."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4 as any_id  # noqa: TID251 - somebody's who does not exist

import pytest

from application.accounts.delete_user import DeleteUser
from application.accounts.disable_user import DisableUser
from application.accounts.enable_user import EnableUser
from application.accounts.erase_account import EraseAccount
from application.accounts.find_user import FindUser
from application.accounts.list_users import ListUsers
from application.accounts.ports import UserQuery
from application.origin import Origin
from application.sessions.end_sessions_of_user import EndSessionsOfUser
from application.sessions.list_sessions_of_user import ListSessionsOfUser
from domain.accounts.errors import StatusUnchanged, UserNotFound
from domain.accounts.user import User, UserStatus
from domain.errors import DomainError
from domain.sessions.errors import InvalidCredentials, SessionNotFound
from tests.support.builders import ADA, registered, signed_in
from tests.support.fakes import parse_email
from tests.support.memory import MemoryWorld
from tests.support.service import Service

OPERATOR = Origin(operator="grace")
UseCase = Callable[[str], Awaitable[object]]


class Administration:
    def __init__(self, service: Service) -> None:
        world = service.world
        self.find = FindUser(world.directory, parse_email)
        self.list = ListUsers(world.directory)
        self.disable = DisableUser(self.find, world.unit_of_work)
        self.delete = DeleteUser(self.find, world.unit_of_work, EraseAccount(service.discard_photo))
        self.enable = EnableUser(self.find, world.unit_of_work)
        self.sessions = ListSessionsOfUser(self.find, world.sessions)
        self.end_sessions = EndSessionsOfUser(self.find, world.unit_of_work)


@pytest.fixture
def world(service: Service) -> MemoryWorld:
    return service.world


@pytest.fixture
def administration(service: Service) -> Administration:
    return Administration(service)


async def test_an_account_is_named_by_id_address_or_username(
    world: MemoryWorld, administration: Administration
) -> None:
    ada = (await registered(world, "Ada", email="Ada@Example.com")).user

    for typed in (str(ada.id), str(ada.id).upper(), "ada@example.COM", "ADA"):
        assert await administration.find(typed) == ada


@pytest.mark.parametrize(
    "typed", ["018f5e6e-5d1c-7d9a-8000-0123456789ab", "bob", "bob@example.com", "", "@", "a b", "\udcff", "x" * 10_000]
)
async def test_what_names_nobody_is_not_found(world: MemoryWorld, administration: Administration, typed: str) -> None:
    await registered(world, "Ada")

    for use_case in (
        administration.find,
        lambda typed: administration.disable(typed, OPERATOR),
        lambda typed: administration.enable(typed, OPERATOR),
        lambda typed: administration.delete(typed, OPERATOR),
        administration.sessions,
        lambda typed: administration.end_sessions(typed, None, OPERATOR),
    ):
        with pytest.raises(UserNotFound):
            await use_case(typed)


async def test_an_id_without_hyphens_is_a_username(world: MemoryWorld, administration: Administration) -> None:
    """Or whoever registers somebody's id as their name would be disabled in their place, or the other way round."""
    victim = (await registered(world)).user
    mallory = (await registered(world, victim.id.hex)).user

    assert await administration.find(victim.id.hex) == mallory
    assert await administration.find(str(victim.id)) == victim


@pytest.mark.parametrize(("accounts", "limit", "pages"), [(0, 3, [0]), (3, 3, [3]), (4, 3, [3, 1]), (10, 4, [4, 4, 2])])
async def test_pages_follow_each_other_to_the_last(
    world: MemoryWorld, administration: Administration, accounts: int, limit: int, pages: list[int]
) -> None:
    everybody = [(await registered(world)).user.id for _ in range(accounts)]
    found, lengths, after = [], [], None
    while True:
        page = await administration.list(UserQuery(), after=after, limit=limit)
        lengths.append(len(page.users))
        found += [user.id for user in page.users]
        after = page.next
        if after is None:
            break

    assert lengths == pages
    assert found == everybody[::-1]


async def test_few_among_many_fill_a_page(world: MemoryWorld, administration: Administration) -> None:
    for number in range(20):
        await registered(world, f"rare-{number}" if number % 9 == 0 else f"user-{number}")

    page = await administration.list(UserQuery(text="rare"), after=None, limit=2)

    assert [user.username.original for user in page.users] == ["rare-18", "rare-9"]
    assert page.next == page.users[-1].id


async def test_disabling_keeps_the_owner_out_and_ends_every_session(
    service: Service, world: MemoryWorld, administration: Administration
) -> None:
    await service.sign_up()
    ada = (await service.sign_in()).user
    ended = await service.sign_in()

    disabled = await administration.disable("ada", OPERATOR)

    assert (disabled.id, disabled.status) == (ada.id, UserStatus.DISABLED)
    assert not [stored for stored in world.store.rows.sessions.values() if stored.session.ended_at is None]
    with pytest.raises(DomainError):
        await service.refresh_session(ended.refresh_token, ADA)
    with pytest.raises(InvalidCredentials):
        await service.sign_in()


async def test_enabling_lets_the_owner_sign_in_and_brings_no_session_back(
    service: Service, world: MemoryWorld, administration: Administration
) -> None:
    await service.sign_up()
    before = await service.sign_in()
    await administration.disable("ada", OPERATOR)

    enabled = await administration.enable("ada", OPERATOR)

    assert enabled.status is UserStatus.ACTIVE
    with pytest.raises(DomainError):
        await service.refresh_session(before.refresh_token, ADA)
    assert (await service.sign_in()).user.id == enabled.id


async def test_sessions_of_an_account_that_was_disabled_by_hand_do_not_come_back(
    world: MemoryWorld, administration: Administration
) -> None:
    ada = await registered(world)
    device = await signed_in(world, ada)
    await world.disable(ada.user.id)

    await administration.enable(str(ada.user.id), OPERATOR)

    assert not await device.is_live()


async def test_doing_it_twice_is_refused_and_recorded_once(world: MemoryWorld, administration: Administration) -> None:
    ada = (await registered(world)).user
    await _refused_twice(administration.disable, ada)
    await _refused_twice(administration.enable, ada)

    events = [(event.type, event.data) for event in await world.events() if event.type != "user.registered"]

    by_grace = {"actor": "operator:grace"}
    assert events == [("user.disabled", by_grace), ("user.enabled", by_grace)]


async def _refused_twice(change: DisableUser | EnableUser, user: User) -> None:
    await change(str(user.id), OPERATOR)
    with pytest.raises(StatusUnchanged):
        await change(str(user.id), OPERATOR)


async def test_a08_every_live_session_is_listed_newest_first(
    world: MemoryWorld, administration: Administration
) -> None:
    """Also more than one statement gives."""
    ada = await registered(world)
    await signed_in(world, await registered(world))
    devices = []
    for _ in range(201):
        devices.append(await signed_in(world, ada))
        await world.advance(timedelta(seconds=1))

    sessions = await administration.sessions(str(ada.user.id))

    assert [session.id for session in sessions] == [device.session.id for device in reversed(devices)]


async def test_one_session_is_ended_or_all(world: MemoryWorld, administration: Administration) -> None:
    ada = await registered(world)
    first, second, third = [await signed_in(world, ada) for _ in range(3)]
    stranger = await signed_in(world, await registered(world))
    name = ada.user.username.original

    await administration.end_sessions(name, second.session.id, OPERATOR)
    assert [await device.is_live() for device in (first, second, third)] == [True, False, True]
    await administration.end_sessions(name, None, OPERATOR)
    assert [await device.is_live() for device in (first, second, third)] == [False, False, False]
    await administration.end_sessions(name, None, OPERATOR)
    assert await stranger.is_live()

    ends = [event for event in await world.events() if event.type == "session.ended"]
    assert [event.session_id for event in ends] == [device.session.id for device in (second, first, third)]
    assert all(event.data == {"actor": "operator:grace", "reason": "revoked_by_operator"} for event in ends)


async def test_a_session_that_is_not_theirs_or_has_ended_is_not_found(
    world: MemoryWorld, administration: Administration
) -> None:
    ada, bob = await registered(world), await registered(world)
    hers, his = await signed_in(world, ada), await signed_in(world, bob)
    await administration.end_sessions(str(ada.user.id), hers.session.id, OPERATOR)
    events = await world.events()

    for session_id in (his.session.id, hers.session.id, any_id()):
        with pytest.raises(SessionNotFound):
            await administration.end_sessions(str(ada.user.id), session_id, OPERATOR)

    assert await his.is_live()
    assert await world.events() == events


async def test_a_deleted_account_is_gone_and_the_record_says_who_did_it(
    service: Service, world: MemoryWorld, administration: Administration
) -> None:
    """A03, G01."""
    await service.sign_up()
    signed_in = await service.sign_in()
    world.store.rows.events.clear()

    deleted = await administration.delete("ada", OPERATOR)

    assert deleted == signed_in.user
    with pytest.raises(UserNotFound):
        await administration.find(str(deleted.id))
    with pytest.raises(DomainError):
        await service.refresh_session(signed_in.refresh_token, ADA)
    events = {event.type: event.data for event in await world.events()}
    by_grace = {"actor": "operator:grace"}
    assert events == {"session.ended": by_grace | {"reason": "account_deleted"}, "user.deleted": by_grace}


async def test_of_two_that_delete_at_once_one_does(world: MemoryWorld, administration: Administration) -> None:
    ada = (await registered(world)).user

    results = await asyncio.gather(
        *(administration.delete(str(ada.id), OPERATOR) for _ in range(2)), return_exceptions=True
    )

    assert results.count(ada) == 1
    assert sum(isinstance(result, UserNotFound) for result in results) == 1
    assert [event.type for event in await world.events()].count("user.deleted") == 1
