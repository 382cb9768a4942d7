"""Liveness, readiness, and the keys: what is asked by machines, without a caller."""

import httpx

from domain.errors import ServiceUnavailable
from tests.unit.interfaces.http.fake_service import FakeService


async def test_live(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


async def test_ready(client: httpx.AsyncClient, service: FakeService) -> None:
    service.readiness.works = {"database": True, "schema": True}
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "parts": {"database": "ok", "schema": "ok"}})
    assert answer.headers["cache-control"] == "no-store"


async def test_not_ready(client: httpx.AsyncClient, service: FakeService) -> None:
    service.readiness.works = {"database": False, "schema": True}
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "type": f"/errors#{ServiceUnavailable.code}",
        "title": ServiceUnavailable.title,
        "status": 503,
        "detail": ServiceUnavailable.title,
        "instance": "/health/ready",
        "code": ServiceUnavailable.code,
        "parts": {"database": "unavailable", "schema": "ok"},
    }


async def test_keys(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.json()) == (200, {"keys": []})
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
