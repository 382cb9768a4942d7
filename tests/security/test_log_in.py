"""Guessing passwords: what the answers tell, how many there are, and whom it hurts."""

import time
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network

import httpx
import pytest
from litestar import Litestar

from bootstrap.asgi import create_app
from tests.support.application import alive, client_in_process, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, client_of, problem_of
from tests.support.rows import disable, forget_attempts
from tests.support.server import Server

WRONG = "never the password of anybody"
BURST, INTERVAL = 10, 60.0
"""Of an account: this many at once, and another one each so many seconds."""
SOURCE_BURST, SOURCE_INTERVAL = 100, 6.0

Guess = Callable[[], Awaitable[httpx.Response]]


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Litestar]:
    app = create_app(settings_for(database_url))
    async with alive(app):
        yield app


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[ServiceClient]:
    """The owner's."""
    async with client_in_process(app, "192.0.2.10") as client:
        yield client


@pytest.fixture
async def stranger(app: Litestar) -> AsyncIterator[ServiceClient]:
    """From another address."""
    async with client_in_process(app, "203.0.113.66") as client:
        yield client


async def _admitted(guess: Guess, *, burst: int, interval: float) -> int:
    """Guess until refused; how many guesses were looked at, after a look that it is as many as the limit admits."""
    began, admitted = time.monotonic(), 0
    while (answer := await guess()).status_code == 401:
        admitted += 1
        assert admitted <= burst + (time.monotonic() - began) / interval + 1, "guessed on and on"
    assert answer.status_code == 429, answer.text
    assert problem_of(answer)["code"] == "too_many_attempts"
    assert 1 <= int(answer.headers["retry-after"]) <= interval
    assert admitted >= burst, "the owner is to have these"
    return admitted


# --- What the answers tell ------------------------------------------------------------------------------------------


@pytest.fixture
async def remote(guarded_server: Server, guarded_database: str) -> AsyncIterator[ServiceClient]:
    await forget_attempts(guarded_database)
    async with client_of(guarded_server.url) as client:
        yield client


async def test_l01_refusals_are_alike_in_every_byte(remote: ServiceClient, guarded_database: str) -> None:
    """L01: unknown user, wrong password and disabled account, by either identifier."""
    known, locked = await remote.registered(), await remote.registered()
    session = await remote.signed_in(locked)
    await disable(guarded_database, session.user_id)
    answers = {
        "unknown address": await remote.log_in("nobody@example.test", WRONG),
        "unknown username": await remote.log_in("nobody", WRONG),
        "no identifier": await remote.log_in("no identifier at all", WRONG),
        "wrong password, address": await remote.log_in(known.email, WRONG),
        "wrong password, username": await remote.log_in(known.username, WRONG),
        "disabled, right password": await remote.log_in(locked.email, locked.password),
        "disabled, wrong password": await remote.log_in(locked.username, WRONG),
        "empty password": await remote.log_in(known.email, ""),
    }
    seen = {name: (answer.status_code, _headers(answer), answer.content) for name, answer in answers.items()}
    assert seen["wrong password, address"][0] == 401
    assert answers["wrong password, address"].headers["www-authenticate"] == "Bearer"
    for name, whole in seen.items():
        assert whole == seen["wrong password, address"], name


def _headers(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers.multi_items() if name not in {"date", "x-request-id"}]


# --- How many guesses there are -------------------------------------------------------------------------------------


async def test_l03_guesses_at_an_account_are_limited(client: ServiceClient, stranger: ServiceClient) -> None:
    """L03; and the right password is no way around, or a guess could tell that it was right."""
    ada = await client.registered()
    await _admitted(lambda: stranger.log_in(ada.email, WRONG), burst=BURST, interval=INTERVAL)
    assert (await stranger.log_in(ada.email, ada.password)).status_code == 429


async def test_an_unknown_account_is_limited_like_a_known_one(stranger: ServiceClient) -> None:
    await _admitted(lambda: stranger.log_in("nobody@example.test", WRONG), burst=BURST, interval=INTERVAL)


async def test_l08_email_address_and_username_share_one_count(client: ServiceClient, stranger: ServiceClient) -> None:
    """L08: however the account is named, and in whatever case."""
    ada, spellings = await client.registered(), 0

    def guess() -> Awaitable[httpx.Response]:
        nonlocal spellings
        spellings += 1
        names = (ada.email, ada.username, ada.email.upper(), ada.username.upper())
        return stranger.log_in(names[spellings % 4], WRONG)

    await _admitted(guess, burst=BURST, interval=INTERVAL)
    for name in (ada.email, ada.username):
        assert (await stranger.log_in(name, WRONG)).status_code == 429


FORWARDED_HEADERS = (
    "X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP",
    "X-Cluster-Client-IP", "Fastly-Client-IP", "X-Originating-IP", "X-Forwarded",
)  # fmt: skip


async def test_l04_forwarded_headers_are_no_way_around_the_limit_of_an_account(
    client: ServiceClient, stranger: ServiceClient
) -> None:
    """L04."""
    ada, guesses = await client.registered(), 0

    def guess() -> Awaitable[httpx.Response]:
        nonlocal guesses
        guesses += 1
        return stranger.log_in(ada.email, WRONG, **_forged_addresses(guesses))

    await _admitted(guess, burst=BURST, interval=INTERVAL)


def _forged_addresses(number: int) -> dict[str, str]:
    address = f"198.51.{number % 256}.{number % 251}"
    return {
        name: f"for={address};proto=https" if name == "Forwarded" else f"{address}, 10.0.0.{number % 256}"
        for name in FORWARDED_HEADERS
    }


async def test_l04_l05_forwarded_headers_are_no_way_around_the_limit_of_a_source(
    client: ServiceClient, stranger: ServiceClient
) -> None:
    """L04, L05: each guess at another account, other headers each time, and good sign-ins of one's own between."""
    mallory, guesses = await client.registered("mallory"), 0

    async def guess() -> httpx.Response:
        nonlocal guesses
        guesses += 1
        if guesses % 10 == 0:
            own = await stranger.log_in(mallory.email, mallory.password, **_forged_addresses(guesses))
            if own.status_code == 429:
                return own
            assert own.status_code == 201
        return await stranger.log_in(f"user{guesses}@example.test", WRONG, **_forged_addresses(guesses))

    await _admitted(guess, burst=SOURCE_BURST, interval=SOURCE_INTERVAL)
    # L06: what one source is refused, others are not.
    assert (await client.log_in(mallory.email, mallory.password)).status_code == 201


async def test_l05_a_good_sign_in_does_not_reset_the_count_of_an_account(
    client: ServiceClient, stranger: ServiceClient
) -> None:
    """L05: it gives back its own attempt and no other."""
    ada, guesses = await client.registered(), 0

    async def guess() -> httpx.Response:
        nonlocal guesses
        guesses += 1
        if guesses in {4, 7, 9}:
            assert (await client.log_in(ada.email, ada.password)).status_code == 201
        return await stranger.log_in(ada.email, WRONG)

    await _admitted(guess, burst=BURST, interval=INTERVAL)


@pytest.mark.parametrize(
    "addresses",
    [
        [f"2001:db8:1:2:{number:x}::{number:x}" for number in range(1, 200)],
        ["192.0.2.77", "::ffff:192.0.2.77", "::ffff:c000:24d"] * 66,
    ],
    ids=["one IPv6 /64", "one address, spelt in several ways"],
)
async def test_l04_addresses_that_are_one_source(app: Litestar, addresses: list[str]) -> None:
    """L04."""
    guesses = 0

    async def guess() -> httpx.Response:
        nonlocal guesses
        guesses += 1
        async with client_in_process(app, addresses[guesses]) as one:
            return await one.log_in(f"user{guesses}@example.test", WRONG)

    await _admitted(guess, burst=SOURCE_BURST, interval=SOURCE_INTERVAL)


async def test_l04_only_trusted_proxies_are_believed(database_url: str) -> None:
    """L04, T6: behind a proxy the client is the last address that no trusted proxy wrote."""
    settings = settings_for(database_url, trusted_proxies=(ip_network("10.0.0.0/8"),))
    app, guesses = create_app(settings), 0
    async with alive(app), client_in_process(app, "10.0.0.1") as proxy:

        async def guess() -> httpx.Response:
            nonlocal guesses
            guesses += 1
            claimed = {"X-Forwarded-For": f"198.51.100.{guesses % 256}, 203.0.113.9, 10.0.0.7"}
            return await proxy.log_in(f"user{guesses}@example.test", WRONG, **claimed)

        await _admitted(guess, burst=SOURCE_BURST, interval=SOURCE_INTERVAL)
        elsewhere = {"X-Forwarded-For": "203.0.113.10"}
        assert (await proxy.log_in("somebody@example.test", WRONG, **elsewhere)).status_code == 401


async def test_l07_limits_hold_across_workers_and_restarts(
    remote: ServiceClient, guarded_server: Server, guarded_database: str
) -> None:
    """L07: a connection for each guess, so that both workers get theirs, and a restart in the middle."""
    ada, guesses = await remote.registered(), 0

    async def guess() -> httpx.Response:
        nonlocal guesses
        guesses += 1
        if guesses == BURST // 2:
            guarded_server.restart()
        async with client_of(guarded_server.url) as client:
            return await client.log_in(ada.email, WRONG)

    await _admitted(guess, burst=BURST, interval=INTERVAL)
    guarded_server.restart()
    async with client_of(guarded_server.url) as client:
        answers = [await client.log_in(ada.username, WRONG) for _ in range(3)]
    assert answers[-1].status_code == 429


async def test_s14_sign_ups_of_a_source_are_limited(client: ServiceClient, stranger: ServiceClient) -> None:
    """S14."""
    statuses = [(await stranger.sign_up(Person.new("bot"))).status_code for _ in range(61)]
    assert set(statuses[:60]) == {201}
    refused = await stranger.sign_up(Person.new("bot"))
    assert statuses[60] == 429 or refused.status_code == 429
    assert (await client.sign_up(Person.new())).status_code == 201, "others go on"


# --- Whom it hurts --------------------------------------------------------------------------------------------------


async def test_l06_guesses_leave_the_owners_session_alone(client: ServiceClient, stranger: ServiceClient) -> None:
    """L06: fifteen of them lock nobody out who is in."""
    ada = await client.registered()
    session = await client.signed_in(ada)
    for _ in range(15):
        assert (await stranger.log_in(ada.email, WRONG)).status_code in {401, 429}
        assert (await client.profile(session.access_token)).status_code == 200
    session = SignedIn.of(await client.refresh(session.refresh_token))
    assert (await client.session(session.access_token)).status_code == 200


# --- Which password it is -------------------------------------------------------------------------------------------

PREFIX_OF_72_BYTES = "walnut ferry copper sunday lantern tundra oboe marzipan glacier thimble "


@asynccontextmanager
async def _account(client: ServiceClient, password: str) -> AsyncIterator[Callable[[str], Awaitable[int]]]:
    """Tells the status of a sign-in with a password."""
    someone = Person.new()
    person = Person(someone.email, someone.username, password)
    signed_up = await client.sign_up(person)
    assert signed_up.status_code == 201, signed_up.text

    async def status(attempt: str) -> int:
        return (await client.log_in(person.email, attempt)).status_code

    yield status


@pytest.mark.parametrize(("given", "typed"), [("NFC", "NFD"), ("NFD", "NFC")])
async def test_s04_one_password_typed_on_two_keyboards(client: ServiceClient, given: str, typed: str) -> None:
    """S04: composed and decomposed characters are the same."""
    password = "Zażółć gęślą jaźń crème brûlée Å"
    forms = {form: unicodedata.normalize(form, password) for form in ("NFC", "NFD")}
    assert forms["NFC"] != forms["NFD"]
    async with _account(client, forms[given]) as status:
        assert await status(forms[typed]) == 201
        assert await status(forms[given]) == 201


async def test_s04_passwords_that_differ_behind_72_bytes_are_two(client: ServiceClient) -> None:
    """S04: bcrypt would take one for the other."""
    assert len(PREFIX_OF_72_BYTES.encode()) == 72
    async with _account(client, f"{PREFIX_OF_72_BYTES}alpha") as status:
        assert await status(f"{PREFIX_OF_72_BYTES}bravo") == 401
        assert await status(PREFIX_OF_72_BYTES) == 401
        assert await status(f"{PREFIX_OF_72_BYTES}alpha") == 201


async def test_s04_a_password_is_neither_trimmed_nor_folded(client: ServiceClient) -> None:
    """S04."""
    password = " Walnut ferry copper Sunday "
    async with _account(client, password) as status:
        for other in (password.strip(), password.lower(), password.swapcase(), password[:-1], f"{password} "):
            assert await status(other) == 401
        assert await status(password) == 201
