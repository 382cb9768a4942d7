"""Attempts to sign in and to sign up are counted exactly, per account and per source."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from ipaddress import IPv6Address

import pytest

from application.origin import NOWHERE, Origin
from application.sessions.ports import LogInAttempt
from domain.accounts.identifiers import Identifier, Username
from domain.errors import TooManyAttempts
from tests.support.builders import attempt_by_email, forgive, fresh_name, open_registration, registered, user_named
from tests.support.fakes import parse_email
from tests.support.world import (
    SIGN_IN_ACCOUNT,
    SIGN_IN_ALL,
    SIGN_IN_PAIR,
    SIGN_IN_SOURCE,
    SIGN_UP_ACCOUNT,
    SIGN_UP_SOURCE,
    World,
)

Attempt = Callable[[], Awaitable[object]]


def at(ip_address: str) -> Origin:
    return Origin(ip_address=ip_address)


async def is_admitted(attempt: Attempt) -> bool:
    try:
        await attempt()
    except TooManyAttempts:
        return False
    return True


async def admitted(attempts: Sequence[Attempt]) -> int:
    """How many of the attempts are admitted, made one after the other."""
    return sum([await is_admitted(attempt) for attempt in attempts])


async def guess_at_strangers(world: World, origin: Origin, number: int) -> int:
    """Attempts from one source on as many unknown users: how many are admitted."""

    async def attempt() -> LogInAttempt:
        name = fresh_name()
        return await world.attempts.open(Username.parse(name), name, origin)

    return await admitted([attempt] * number)


async def test_l03_attempts_on_an_account_are_admitted_up_to_the_burst(world: World) -> None:
    ada, bob = await registered(world), await registered(world)
    burst = world.limits[SIGN_IN_ACCOUNT].burst

    assert await admitted([lambda: attempt_by_email(world, ada)] * (burst + 5)) == burst
    assert await is_admitted(lambda: attempt_by_email(world, bob))


async def test_l03_x13_attempts_at_once_are_counted_exactly(world: World) -> None:
    ada = await registered(world)
    burst = world.limits[SIGN_IN_ACCOUNT].burst

    attempts = [partial(attempt_by_email, world, ada)] * 2 * burst

    assert sum(await asyncio.gather(*map(is_admitted, attempts))) == burst


async def test_attempts_at_once_from_a_source_are_counted_exactly(world: World) -> None:
    burst = world.limits[SIGN_IN_SOURCE].burst
    names = [fresh_name() for _ in range(burst + 20)]

    attempts = [partial(world.attempts.open, Username.parse(name), name, at("203.0.113.1")) for name in names]

    assert sum(await asyncio.gather(*map(is_admitted, attempts))) == burst


async def test_a_forgiven_attempt_leaves_the_others_counted(world: World) -> None:
    ada = await registered(world)
    burst = world.limits[SIGN_IN_ACCOUNT].burst
    for _ in range(burst - 1):
        await attempt_by_email(world, ada)

    await forgive(world, await attempt_by_email(world, ada))

    assert await admitted([lambda: attempt_by_email(world, ada)] * 3) == 1


async def test_whoever_knows_the_password_is_never_limited(world: World) -> None:
    ada = await registered(world)

    for _ in range(2 * world.limits[SIGN_IN_ACCOUNT].burst):
        await forgive(world, await attempt_by_email(world, ada))


async def test_l05_a_success_takes_one_attempt_off_its_source_not_all_of_them(world: World) -> None:
    """L05: alternating guesses with good sign-ins of one's own is no way around."""
    mallory, source = await registered(world), at("203.0.113.2")
    burst = world.limits[SIGN_IN_SOURCE].burst
    assert await guess_at_strangers(world, source, burst - 1) == burst - 1

    await forgive(world, await attempt_by_email(world, mallory, source))

    assert await guess_at_strangers(world, source, 3) == 1


async def test_forgiving_gives_no_more_than_the_burst(world: World) -> None:
    ada = await registered(world)
    limit = world.limits[SIGN_IN_ACCOUNT]
    attempt = await attempt_by_email(world, ada)
    await world.advance(2 * limit.period)

    await forgive(world, attempt)

    assert await admitted([lambda: attempt_by_email(world, ada)] * (limit.burst + 3)) == limit.burst


async def test_d06_a_refusal_says_when_to_come_back(world: World) -> None:
    ada = await registered(world)
    limit = world.limits[SIGN_IN_ACCOUNT]
    for _ in range(limit.burst):
        await attempt_by_email(world, ada)

    with pytest.raises(TooManyAttempts) as refusal:
        await attempt_by_email(world, ada)

    wait = refusal.value.retry_after
    assert isinstance(wait, int)
    assert limit.interval - timedelta(seconds=10) < timedelta(seconds=wait) <= limit.interval
    await world.advance(timedelta(seconds=wait - 10))
    assert not await is_admitted(lambda: attempt_by_email(world, ada))
    await world.advance(timedelta(seconds=10))
    assert await is_admitted(lambda: attempt_by_email(world, ada))


async def test_attempts_come_back_one_by_one(world: World) -> None:
    ada = await registered(world)
    limit = world.limits[SIGN_IN_ACCOUNT]
    attempts = [lambda: attempt_by_email(world, ada)] * (limit.burst + 1)
    assert await admitted(attempts) == limit.burst

    await world.advance(limit.interval)
    assert await admitted(attempts) == 1


async def test_attempts_of_a_source_come_back_one_by_one(world: World) -> None:
    source, limit = at("203.0.113.33"), world.limits[SIGN_IN_SOURCE]
    assert await guess_at_strangers(world, source, limit.burst + 1) == limit.burst

    await world.advance(limit.interval)
    assert await guess_at_strangers(world, source, 3) == 1
    await world.advance(3 * limit.interval)
    assert await guess_at_strangers(world, source, 5) == 3


async def test_refused_attempts_do_not_prolong_the_wait(world: World) -> None:
    ada = await registered(world)
    limit = world.limits[SIGN_IN_ACCOUNT]
    attempts = [lambda: attempt_by_email(world, ada)] * (3 * limit.burst)
    assert await admitted(attempts) == limit.burst

    await world.advance(limit.interval)

    assert await is_admitted(attempts[0])


async def test_l08_an_account_has_one_counter_however_it_is_named(world: World) -> None:
    await registered(world, "Ada", email="ada@example.com")
    burst = world.limits[SIGN_IN_ACCOUNT].burst
    spellings: list[Identifier] = [Username.parse("ada"), parse_email("ada@example.com"), Username.parse("ADA")]

    attempts = [
        partial(world.attempts.open, identifier, identifier.original, NOWHERE) for identifier in spellings * burst
    ]

    assert await admitted(attempts) == burst


@pytest.mark.parametrize(
    ("one", "other"),
    [("nobody", "NoBody"), ("nobody@example.com", "NOBODY@Example.com")],
)
async def test_an_unknown_user_is_counted_like_a_known_one(world: World, one: str, other: str) -> None:
    limit = world.limits[SIGN_IN_ACCOUNT]

    def attempt(text: str) -> Attempt:
        identifier = parse_email(text) if "@" in text else Username.parse(text)
        return partial(world.attempts.open, identifier, text, NOWHERE)

    attempts = [attempt(one), attempt(other)] * limit.burst
    assert await admitted(attempts) == limit.burst
    await world.advance(limit.interval)
    assert await admitted(attempts) == 1


async def test_what_is_no_identifier_is_counted_like_one(world: World) -> None:
    burst = world.limits[SIGN_IN_ACCOUNT].burst
    attempts = [lambda: world.attempts.open(None, "not an identifier", NOWHERE)] * (burst + 2)

    assert await admitted(attempts) == burst
    assert await is_admitted(lambda: world.attempts.open(None, "another one", NOWHERE))


async def test_a_digest_tells_identifiers_apart_and_does_not_show_them(world: World) -> None:
    ada = await registered(world, "ada")
    digests = [
        (await world.attempts.open(identifier, typed, NOWHERE)).identifier_digest
        for identifier, typed in [
            (ada.user.username, "ada"),
            (Username.parse("ADA"), "ADA"),
            (Username.parse("bob"), "bob"),
            (None, "correct horse battery staple"),
        ]
    ]

    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    for digest in digests:
        assert len(bytes.fromhex(digest)) >= 16
        assert b"correct horse" not in bytes.fromhex(digest)


@pytest.mark.parametrize("typed", ["", "\0", "\ud800", "x" * 10_000], ids=["empty", "nul", "surrogate", "long"])
async def test_any_text_can_be_typed(world: World, typed: str) -> None:
    attempt = await world.attempts.open(None, typed, NOWHERE)

    assert attempt.user is None


async def test_l06_a_source_that_is_refused_leaves_the_account_alone(world: World) -> None:
    """L06: or one address could lock any account out."""
    ada, source = await registered(world), at("203.0.113.3")
    await guess_at_strangers(world, source, world.limits[SIGN_IN_SOURCE].burst)
    burst = world.limits[SIGN_IN_ACCOUNT].burst

    assert await admitted([lambda: attempt_by_email(world, ada, source)] * burst) == 0

    assert await admitted([lambda: attempt_by_email(world, ada, at("203.0.113.4"))] * burst) == burst


async def test_guesses_at_an_account_that_is_limited_still_count_on_their_source(world: World) -> None:
    ada, source = await registered(world), at("203.0.113.5")
    burst = world.limits[SIGN_IN_SOURCE].burst
    await admitted([lambda: attempt_by_email(world, ada, source)] * burst)

    assert await guess_at_strangers(world, source, 1) == 0


async def test_a_request_without_an_address_is_not_limited_by_source(world: World) -> None:
    number = world.limits[SIGN_IN_SOURCE].burst + 3

    assert await guess_at_strangers(world, NOWHERE, number) == number


async def test_an_attempt_is_given_back_to_where_it_was_counted(world: World) -> None:
    ada = await registered(world)

    without_address = await attempt_by_email(world, ada)
    with_address = await attempt_by_email(world, ada, at("203.0.113.6"))

    assert [each.rule for each in without_address.allowances] == [SIGN_IN_ACCOUNT, SIGN_IN_ALL]
    assert [each.rule for each in with_address.allowances] == [
        SIGN_IN_SOURCE, SIGN_IN_PAIR, SIGN_IN_ACCOUNT, SIGN_IN_ALL
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("2001:db8:1:2::1", "2001:0DB8:0001:0002:0000:0000:0000:0009"),
        ("203.0.113.9", "::ffff:203.0.113.9"),
    ],
    ids=["one /64", "other spelling", "IPv4 in IPv6"],
)
async def test_addresses_of_one_source_share_a_counter(world: World, one: str, other: str) -> None:
    burst = world.limits[SIGN_IN_SOURCE].burst

    assert await guess_at_strangers(world, at(one), burst - 1) == burst - 1
    assert await guess_at_strangers(world, at(other), 3) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("203.0.113.9", "203.0.113.10"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.10"),
    ],
    ids=["two /64", "IPv4", "IPv4 in IPv6"],
)
async def test_addresses_of_two_sources_do_not(world: World, one: str, other: str) -> None:
    burst = world.limits[SIGN_IN_SOURCE].burst

    assert await guess_at_strangers(world, at(one), burst + 1) == burst
    assert await guess_at_strangers(world, at(other), 1) == 1


async def test_l04_a_rotating_ipv6_address_is_no_way_around(world: World) -> None:
    burst = world.limits[SIGN_IN_SOURCE].burst
    first = IPv6Address("2001:db8:5:6::")
    origins = [at(str(first + 7_919 * number)) for number in range(burst + 10)]

    assert sum([await guess_at_strangers(world, origin, 1) for origin in origins]) == burst


async def test_s14_sign_ups_are_limited_per_source(world: World) -> None:
    limit = world.limits[SIGN_UP_SOURCE]

    def attempts(ip_address: str, number: int) -> list[Attempt]:
        return [lambda: open_registration(world, user_named(fresh_name()), at(ip_address))] * number

    assert await admitted(attempts("2001:db8::1", limit.burst + 3)) == limit.burst
    assert await admitted(attempts("2001:db8::2", 1)) == 0
    assert await admitted(attempts("203.0.113.1", 1)) == 1
    await world.advance(limit.interval)
    assert await admitted(attempts("2001:db8::1", 2)) == 1


async def test_sign_ups_are_limited_per_address_of_mail(world: World) -> None:
    limit = world.limits[SIGN_UP_ACCOUNT]

    def attempts(email: str, number: int) -> list[Attempt]:
        return [lambda: open_registration(world, user_named(fresh_name(), email=email))] * number

    assert await admitted(attempts("ada@example.com", limit.burst - 1)) == limit.burst - 1
    assert await admitted(attempts("ADA@example.COM", 3)) == 1
    assert await admitted(attempts("bob@example.com", 1)) == 1
    await world.advance(limit.interval)
    assert await admitted(attempts("ada@example.com", 2)) == 1


async def test_a_refused_sign_up_says_when_to_come_back(world: World) -> None:
    limit = world.limits[SIGN_UP_ACCOUNT]
    ada = user_named("Ada")
    for _ in range(limit.burst):
        await open_registration(world, ada)

    with pytest.raises(TooManyAttempts) as refusal:
        await open_registration(world, ada)

    assert isinstance(refusal.value.retry_after, int)
    assert 0 < refusal.value.retry_after <= limit.interval.total_seconds()


async def test_a_source_that_may_not_sign_up_leaves_the_address_of_mail_alone(world: World) -> None:
    burst, ada = world.limits[SIGN_UP_ACCOUNT].burst, user_named("Ada")
    for _ in range(world.limits[SIGN_UP_SOURCE].burst):
        await open_registration(world, user_named(fresh_name()), at("203.0.113.8"))

    assert await admitted([lambda: open_registration(world, ada, at("203.0.113.8"))] * burst) == 0

    assert await admitted([lambda: open_registration(world, ada)] * burst) == burst


async def test_signing_up_and_signing_in_are_counted_apart(world: World) -> None:
    ada, source = await registered(world, "Ada"), at("203.0.113.11")
    await admitted([lambda: open_registration(world, ada.user, source)] * 20)

    assert await is_admitted(lambda: attempt_by_email(world, ada, source))


async def test_looking_again_at_what_is_taken_counts_nothing(world: World) -> None:
    ada, limit = user_named("Ada"), world.limits[SIGN_UP_ACCOUNT]
    for _ in range(2 * limit.burst):
        await world.registrations.taken(ada.email, ada.username)

    assert await admitted([lambda: open_registration(world, ada)] * (limit.burst + 1)) == limit.burst
