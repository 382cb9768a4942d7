"""Lists of stolen passwords, tried on the real application: recognised, told, and slowed down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bootstrap.asgi import create_app
from bootstrap.container import Container, make_container
from domain.stuffing.events import RECOGNISED
from infrastructure.metrics.catalogue import LIMITS_REFUSED
from tests.support.application import alive, client_in_process, settings_for
from tests.support.client import ServiceClient
from tests.support.rows import connected

ATTACKER = "203.0.113.7"
WRONG = "not the password of anybody"


@dataclass(frozen=True)
class Attacked:
    """An application, and who asks it from where."""

    app: Any
    container: Container
    url: str

    @asynccontextmanager
    async def client(self, address: str) -> AsyncIterator[ServiceClient]:
        async with client_in_process(self.app, address) as client:
            yield client

    async def guess(self, address: str, *identifiers: str) -> list[int]:
        async with self.client(address) as client:
            return [(await client.log_in(identifier, WRONG)).status_code for identifier in identifiers]

    async def watched(self) -> None:
        """As the worker does every few seconds, and each server."""
        await self.container.background.watch_sign_ins()()
        await self.container.adapters.slowdowns().look()


@asynccontextmanager
async def attacked(url: str, **changes: Any) -> AsyncIterator[Attacked]:
    given = {"stuffing_accounts_per_source": 6, "stuffing_failures": 12, "stuffing_sources": 6}
    settings = settings_for(url, **given | {"stuffing_guesses_per_source": 2} | changes)
    container = make_container(settings)
    app = create_app(settings, container)
    async with alive(app):
        yield Attacked(app, container, url)


def names(number: int) -> list[str]:
    return [f"nobody.{each}" for each in range(number)]


async def test_l03_a_source_that_tries_many_accounts_is_slowed_and_others_are_not(database_url: str) -> None:
    async with attacked(database_url) as service, service.client("198.51.100.1") as home:
        ada = await home.registered("ada")
        assert await service.guess(ATTACKER, *names(6)) == [401] * 6
        await service.watched()
        refused_before = LIMITS_REFUSED.values.get(("sign_in.source",), 0)
        # What it had before counts: at most one more gets through.
        assert (await service.guess(ATTACKER, "another", *names(6)))[1:] == [429] * 6
        assert LIMITS_REFUSED.values["sign_in.source",] > refused_before
        assert (await home.log_in(ada.username, ada.password)).status_code == 201
        assert (await home.log_in("somebody.else", WRONG)).status_code == 401


async def test_l04_a_site_of_ipv6_is_one_source(database_url: str) -> None:
    async with attacked(database_url) as service:
        for number, name in enumerate(names(6)):
            assert await service.guess(f"2001:db8::{number + 1}", name) == [401]
        await service.watched()
        assert (await service.guess("2001:db8::beef", "another", "yet another"))[-1] == 429
        assert await service.guess("2001:db8:0:1::1", "another") == [401]


async def test_l07_another_process_slows_it_too(database_url: str) -> None:
    async with attacked(database_url) as service, attacked(database_url) as other:
        await service.guess(ATTACKER, *names(6))
        await service.watched()
        await other.container.adapters.slowdowns().look()
        assert (await other.guess(ATTACKER, "another", "yet another"))[-1] == 429


async def test_it_is_written_down_and_told_once(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with attacked(database_url) as service, attacked(database_url) as other:
        await service.guess(ATTACKER, *names(6))
        for each in (service, other, service):
            await each.watched()
        async with connected(database_url) as connection:
            events = await connection.fetch(
                "SELECT host(ip_address) AS source, data FROM events WHERE type = $1", RECOGNISED
            )
            told = await connection.fetchval("SELECT count(*) FROM deliveries WHERE subscriber = 'operator_notice'")
        assert [event["source"] for event in events] == [ATTACKER]
        assert '"accounts": "6"' in events[0]["data"]
        assert told == 1
    assert sum(record.name == "crm_auth.stuffing" for record in caplog.records) == 1
    assert ATTACKER not in caplog.text, "G02: a log cannot be erased"


@pytest.mark.parametrize("stuffing", ["tell", "off"])
async def test_it_need_not_be_slowed(database_url: str, stuffing: str) -> None:
    async with attacked(database_url, stuffing=stuffing) as service:
        await service.guess(ATTACKER, *names(6))
        await service.watched()
        assert await service.guess(ATTACKER, "another") == [401]


async def test_who_signs_in_is_no_failure(database_url: str) -> None:
    """A success takes its attempt off again, also under the smaller limit."""
    async with attacked(database_url) as service, service.client(ATTACKER) as office:
        people = [await office.registered(f"person{number}") for number in range(3)]
        async with connected(database_url) as connection:
            await connection.execute(
                "INSERT INTO stuffing_episodes (id, kind, subject, failed, accounts, sources)"
                " VALUES (gen_random_uuid(), 'many_sources', '', 1, 1, 1)"
            )
        await service.watched()
        assert [(await office.log_in(each.username, each.password)).status_code for each in people] == [201] * 3


async def test_l06_from_many_sources_all_that_are_unknown_are_slowed_and_known_devices_go_on(database_url: str) -> None:
    async with attacked(database_url, stuffing_guesses_in_all=3) as service, service.client("198.51.100.1") as home:
        ada = await home.registered("ada")
        known = (await home.log_in(ada.username, ada.password)).headers["X-Device-Token"]
        for number, name in enumerate(names(12)):
            assert await service.guess(f"203.0.113.{number}", name) == [401]
        await service.watched()
        got_through = [(await service.guess(f"192.0.2.{number}", name))[0] for number, name in enumerate(names(12))]
        assert got_through == [401] * 3 + [429] * 9, "each from a source of its own, on an account of its own"
        async with service.client("198.51.100.2") as elsewhere:
            refused = await elsewhere.log_in(ada.username, ada.password)
            assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
            headers = {"X-Device-Token": known}
            assert (await elsewhere.log_in(ada.username, ada.password, **headers)).status_code == 201


async def use_up_the_budget(service: Attacked) -> None:
    """From many sources, which is recognised on the way."""
    for number, name in enumerate(names(15)):
        await service.guess(f"203.0.113.{number}", name)
        if number == 11:
            await service.watched()


async def test_l06_what_the_budget_refuses_makes_no_owner_wait_longer(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looked at the password, so it was no guess; nor does it ask the database again and again (D02)."""
    async with attacked(database_url, stuffing_guesses_in_all=3) as service, service.client("198.51.100.1") as home:
        ada = await home.registered("ada")
        await use_up_the_budget(service)
        async with connected(database_url) as connection:
            counted = "SELECT count(*), sum(failures) FROM rate_limits WHERE rule <> 'sign_in.slowed'"
            before = await connection.fetchrow(counted)
            refused = LIMITS_REFUSED.values.get(("sign_in.slowed",), 0)
            with monkeypatch.context() as asked_again:
                asked_again.setattr("infrastructure.refusals.AT_MOST", 0.0)
                for _ in range(12):
                    assert (await home.log_in(ada.username, ada.password)).status_code == 429
            assert await connection.fetchrow(counted) == before
        assert LIMITS_REFUSED.values["sign_in.slowed",] == refused + 12
        for _ in range(2):
            assert (await home.log_in(ada.username, ada.password)).status_code == 429
        assert LIMITS_REFUSED.values["sign_in.slowed",] == refused + 13, "it is not asked for again"


async def test_l03_room_in_the_budget_that_came_meanwhile_is_no_way_around_the_account(database_url: str) -> None:
    """While the budget is used up it alone is asked, so what it admits then would be counted on no account."""
    async with attacked(database_url, stuffing_guesses_in_all=3) as service, service.client("198.51.100.1") as home:
        ada = await home.registered("ada")
        await use_up_the_budget(service)
        async with connected(database_url) as connection, connected(database_url) as onlooker:
            success = connection.transaction()
            await success.start()
            # As a success does, which gives its attempt back.
            given_back = "UPDATE rate_limits SET arrival_at = arrival_at - interval '200 seconds' WHERE rule = $1"
            await connection.execute(given_back, "sign_in.slowed")
            guess = asyncio.create_task(home.log_in(ada.username, WRONG))
            async with asyncio.timeout(10):
                while not await onlooker.fetchval(_WAITS):  # noqa: ASYNC110 - nothing tells us
                    await asyncio.sleep(0.01)
            await success.commit()
            assert (await guess).status_code == 429


_WAITS = """
SELECT true FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')
    AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())
"""
