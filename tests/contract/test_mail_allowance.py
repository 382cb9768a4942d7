"""How much mail may be sent: to one recipient of one kind, and at all (D08)."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import ServiceUnavailable
from domain.mail.kinds import MailKind
from tests.support.fakes import parse_email
from tests.support.world import MAIL_RECIPIENT, MAIL_TOTAL, World

ADA, BOB = parse_email("ada@example.test"), parse_email("bob@example.test")
RESET, NEW_DEVICE = MailKind.RESET_PASSWORD, MailKind.NEW_DEVICE


async def test_d08_a_recipient_gets_so_many_of_a_kind(world: World) -> None:
    burst = world.limits[MAIL_RECIPIENT].burst

    assert [await world.mail_allowance.take(ADA, RESET) for _ in range(burst + 2)] == [True] * burst + [False] * 2


async def test_other_kinds_and_other_recipients_are_counted_apart(world: World) -> None:
    """A flood of reset links, which anybody can ask for, keeps no notice away."""
    for _ in range(world.limits[MAIL_RECIPIENT].burst + 1):
        await world.mail_allowance.take(ADA, RESET)

    assert await world.mail_allowance.take(ADA, NEW_DEVICE)
    assert await world.mail_allowance.take(BOB, RESET)


async def test_d08_spellings_of_one_address_are_one_recipient(world: World) -> None:
    shouting = parse_email("ADA@EXAMPLE.TEST")

    taken = [await world.mail_allowance.take(to, RESET) for to in (ADA, shouting) * 2]

    assert sum(taken) == world.limits[MAIL_RECIPIENT].burst


async def test_many_at_once_are_counted_exactly(world: World) -> None:
    taken = await asyncio.gather(*(world.mail_allowance.take(ADA, RESET) for _ in range(12)))

    assert sum(taken) == world.limits[MAIL_RECIPIENT].burst


async def test_d08_all_together_are_limited_and_wait(world: World) -> None:
    """What is too much for now is sent later; the recipient is not charged for it."""
    addresses = [parse_email(f"person{number}@example.test") for number in range(world.limits[MAIL_TOTAL].burst)]
    for address in addresses:
        assert await world.mail_allowance.take(address, RESET)
    for _ in range(world.limits[MAIL_RECIPIENT].burst + 2):
        with pytest.raises(ServiceUnavailable):
            await world.mail_allowance.take(ADA, RESET)

    await world.advance(world.limits[MAIL_TOTAL].interval)

    assert await world.mail_allowance.take(ADA, RESET)


async def test_what_a_recipient_may_not_have_takes_nothing_from_others(world: World) -> None:
    for _ in range(3 * world.limits[MAIL_TOTAL].burst):
        await world.mail_allowance.take(ADA, RESET)

    assert await world.mail_allowance.take(BOB, RESET)


async def test_what_could_not_be_sent_is_given_back(world: World) -> None:
    for _ in range(2 * world.limits[MAIL_TOTAL].burst):
        assert await world.mail_allowance.take(ADA, RESET)
        await world.mail_allowance.give_back(ADA, RESET)


async def test_it_comes_back_with_time(world: World) -> None:
    burst = world.limits[MAIL_RECIPIENT].burst
    for _ in range(burst):
        await world.mail_allowance.take(ADA, RESET)

    await world.advance(timedelta(hours=1) / burst)

    assert [await world.mail_allowance.take(ADA, RESET) for _ in range(2)] == [True, False]
