"""Whether a sign-in is news: by a device, or from a place, that the user was not seen with before."""

from datetime import timedelta

import pytest

from application.origin import Origin
from tests.support.builders import Account, new_id, registered, signed_in
from tests.support.world import World

HOME = Origin(ip_address="203.0.113.7", user_agent="Ada's browser")


@pytest.fixture
async def ada(world: World) -> Account:
    return await registered(world)


async def is_news(world: World, account: Account, origin: Origin) -> bool:
    device = await signed_in(world, account, origin=origin)
    seen = await world.devices.sighting(device.session.id)
    assert seen is not None
    assert seen.ip_address == origin.ip_address
    return seen.is_news


async def test_the_first_sign_in_is_no_news(world: World, ada: Account) -> None:
    await signed_in(world, await registered(world))

    assert not await is_news(world, ada, HOME)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (HOME, False),
        (Origin(ip_address="203.0.200.200", user_agent=HOME.user_agent), False),
        (Origin(ip_address="198.51.100.7", user_agent=HOME.user_agent), True),
        (Origin(ip_address="2001:db8::7", user_agent=HOME.user_agent), True),
        (Origin(ip_address=HOME.ip_address, user_agent="another browser"), True),
        (Origin(ip_address=HOME.ip_address), True),
        (Origin(user_agent=HOME.user_agent), True),
    ],
)
async def test_a_later_one_is_news_by_another_device_or_from_elsewhere(
    world: World, ada: Account, origin: Origin, *, expected: bool
) -> None:
    await signed_in(world, ada, origin=HOME)

    assert await is_news(world, ada, origin) is expected


@pytest.mark.parametrize(("address", "expected"), [("2001:db8:9::1", False), ("2001:db9::1", True)])
async def test_of_ipv6_the_network_counts(world: World, ada: Account, address: str, *, expected: bool) -> None:
    await signed_in(world, ada, origin=Origin(ip_address="2001:db8::1", user_agent="x"))

    assert await is_news(world, ada, Origin(ip_address=address, user_agent="x")) is expected


async def test_what_is_unknown_both_times_is_no_news(world: World, ada: Account) -> None:
    await signed_in(world, ada, origin=Origin())

    assert not await is_news(world, ada, Origin())


async def test_a_device_of_somebody_else_is_news(world: World, ada: Account) -> None:
    elsewhere = Origin(ip_address="198.51.100.7", user_agent="a phone")
    await signed_in(world, ada, origin=HOME)
    await signed_in(world, await registered(world), origin=elsewhere)

    assert await is_news(world, ada, elsewhere)


async def test_a_session_that_is_over_is_remembered(world: World, ada: Account) -> None:
    first = await signed_in(world, ada, origin=HOME)
    await world.advance(first.session.expires_at - first.session.created_at + timedelta(days=1))

    assert not await is_news(world, ada, HOME)


async def test_it_is_as_of_when_the_session_was_opened(world: World, ada: Account) -> None:
    """A notice may be late, and there may be more sign-ins by then."""
    elsewhere = Origin(ip_address="198.51.100.7", user_agent="a phone")
    first = await signed_in(world, ada, origin=HOME)
    second = await signed_in(world, ada, origin=elsewhere)
    third = await signed_in(world, ada, origin=elsewhere)

    seen = [await world.devices.sighting(each.session.id) for each in (first, second, third)]

    assert [each and each.is_news for each in seen] == [False, True, False]


async def test_a_session_that_is_not_kept_is_not_known(world: World) -> None:
    assert await world.devices.sighting(new_id()) is None
