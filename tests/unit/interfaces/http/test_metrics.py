"""Who may read the metrics, in which form, and what the edge counts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from interfaces.http.client_address import ClientAddress
from interfaces.http.metrics import MetricsPage, MetricsReaders
from tests.unit.interfaces.http.fake_service import BEARER, FakeMetrics, FakeService, client_of

HERE = ip_network("127.0.0.0/8")
TOKEN = "a-token-of-more-than-thirty-two-characters"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def asked_from(
    peer: str, readers: MetricsReaders, *, trusted: str | None = None, **options: Any
) -> AsyncIterator[httpx.AsyncClient]:
    service = FakeService(metrics_page=MetricsPage(FakeMetrics(), readers))
    address = ClientAddress([ip_network(trusted)] if trusted else [])
    async with client_of(service.app(client_address=address, **options), peer=peer) as client:
        yield client


async def test_the_token_reads_from_anywhere_in_the_form_that_is_asked_for() -> None:
    async with asked_from("203.0.113.7", MetricsReaders(TOKEN)) as client:
        answer = await client.get("/metrics", headers=WITH_TOKEN | {"Accept": "application/openmetrics-text"})

    assert (answer.status_code, answer.text) == (200, "figures for application/openmetrics-text")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, "Bearer"),
        (BEARER, 'Bearer error="invalid_token"'),
        ({"Authorization": f"Bearer {TOKEN}x"}, 'Bearer error="invalid_token"'),
        ({"Authorization": f"Basic {TOKEN}"}, "Bearer"),
    ],
)
@pytest.mark.parametrize("token", [TOKEN, None])
async def test_strangers_are_told_nothing(headers: dict[str, str], challenge: str, token: str | None) -> None:
    async with asked_from("203.0.113.7", MetricsReaders(token, [HERE])) as client:
        answer = await client.get("/metrics", headers=headers)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    assert "figures" not in answer.text


async def test_a_network_reads_without_a_token() -> None:
    async with asked_from("127.0.0.1", MetricsReaders(None, [HERE])) as client:
        assert (await client.get("/metrics")).status_code == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_a_proxy_that_is_not_trusted_is_no_reader(name: str) -> None:
    """Everybody would come from the address of the proxy on this machine (T6)."""
    async with asked_from("127.0.0.1", MetricsReaders(None, [HERE])) as client:
        assert (await client.get("/metrics", headers={name: "127.0.0.1"})).status_code == 401


@pytest.mark.parametrize(("client_address", "status"), [("127.0.0.2", 200), ("203.0.113.7", 401)])
async def test_behind_a_trusted_proxy_the_client_counts(client_address: str, status: int) -> None:
    async with asked_from("127.0.0.1", MetricsReaders(None, [HERE]), trusted="127.0.0.1/32") as client:
        answer = await client.get("/metrics", headers={"X-Forwarded-For": client_address})
    assert answer.status_code == status


async def test_it_can_be_switched_off() -> None:
    async with asked_from("127.0.0.1", MetricsReaders(TOKEN, [HERE]), with_metrics=False) as client:
        assert (await client.get("/metrics", headers=WITH_TOKEN)).status_code == 404


async def test_nothing_that_a_client_sends_becomes_a_label() -> None:
    measured: list[tuple[str, str, int | None]] = []
    service = FakeService()
    app = service.app(measure=lambda method, path, status, _: measured.append((method, path, status)))
    async with client_of(app) as client:
        await client.get("/v1/photos/a-canary")
        await client.get("/a-canary?a-canary")
        await client.request("CANARY", "/v1/users")
        await client.head("/health/live")

    assert measured == [
        ("GET", "/v1/photos/{photo_id}", 200),
        ("GET", "unmatched", 404),
        ("other", "/v1/users", 405),
        ("HEAD", "/health/live", 200),
    ]
