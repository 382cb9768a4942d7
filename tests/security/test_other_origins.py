"""Pages of other origins: closed by default, and open to exactly those that an operator lists (H04)."""

from typing import Any

import httpx
import pytest

from bootstrap.settings import Settings, SettingsError
from interfaces.http.allowed_hosts import AllowedHosts
from interfaces.http.other_origins import OtherOrigins
from tests.unit.interfaces.http.fake_service import BEARER, CREDENTIALS, FakeService, client_of

CRM = "https://crm.example.test"
OTHERS = (
    "https://evil.test",
    "null",
    "*",
    "",
    "http://crm.example.test",
    "https://crm.example.test:8443",
    "https://crm.example.test.",
    "https://crm.example.test/",
    "https://CRM.example.test",
    "https://crm.example.test.evil.test",
    "https://crmxexample.test",
    "https://evil.test/https://crm.example.test",
    "https://a.crm.example.test",
    "https://crm.example.test https://evil.test",
    f"{CRM}\x00",
)


def service_for(*origins: str) -> Any:
    return client_of(FakeService().app(other_origins=OtherOrigins(origins)))


def granted(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


async def test_h04_nobody_is_let_in_by_default() -> None:
    async with client_of(FakeService().app()) as client:
        for origin in (CRM, *OTHERS):
            preflight = await client.options("/v1/sessions", headers={"Origin": origin, **PREFLIGHT})
            call = await client.post("/v1/sessions", json=CREDENTIALS, headers={"Origin": origin})
            assert granted(preflight) == granted(call) == []
            assert "vary" not in call.headers


async def test_h04_a_listed_origin_is_let_in_by_its_name() -> None:
    async with service_for(CRM, "http://127.0.0.1:3000") as client:
        for origin in (CRM, "http://127.0.0.1:3000"):
            answer = await client.post("/v1/sessions", json=CREDENTIALS, headers={"Origin": origin})
            assert answer.status_code == 201
            assert answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert answer.headers["vary"] == "origin"
            exposed = answer.headers["access-control-expose-headers"].split(", ")
            assert {"x-request-id", "retry-after", "ratelimit", "location", "etag", "x-device-token"} <= set(exposed)


@pytest.mark.parametrize("path", ["/v1/users/me", "/nothing", "/v1/sessions", "/docs"])
async def test_h04_refusals_can_be_read_too_and_no_cache_mixes_them_up(path: str) -> None:
    async with service_for(CRM) as client:
        theirs, ours = await client.get(path, headers={"Origin": CRM}), await client.get(path)
    assert theirs.headers["access-control-allow-origin"] == CRM
    assert granted(ours) == []
    assert "origin" in theirs.headers["vary"]
    assert "origin" in ours.headers["vary"]


async def test_h04_nobody_else_is_let_in() -> None:
    async with service_for(CRM) as client:
        for origin in OTHERS:
            for method in ("GET", "OPTIONS"):
                headers = {b"Origin": origin.encode(), b"Access-Control-Request-Method": b"GET"}
                answer = await client.request(method, "/v1/users/me", headers=headers)
                assert granted(answer) == [], origin
                assert answer.headers["vary"] == "origin"


async def test_h04_h12_of_two_origins_none_counts() -> None:
    async with service_for(CRM) as client:
        for pair in (("https://evil.test", CRM), (CRM, "https://evil.test"), (CRM, CRM)):
            answer = await client.get("/v1/users/me", headers=[("Origin", origin) for origin in pair])
            assert granted(answer) == []


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/sessions", "DELETE, GET, HEAD, OPTIONS, POST"),
        ("/v1/users/me", "GET, HEAD, OPTIONS, PATCH"),
        ("/v1/sessions/01941f29-7c00-7aaa-8000-000000000002", "DELETE, OPTIONS"),
    ],
)
async def test_h04_a_preflight_is_told_what_there_is(path: str, methods: str) -> None:
    async with service_for(CRM) as client:
        answer = await client.options(path, headers={"Origin": CRM, **PREFLIGHT})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == CRM
    assert answer.headers["access-control-allow-methods"] == methods
    asked_with = set(answer.headers["access-control-allow-headers"].split(", "))
    assert {"authorization", "content-type", "idempotency-key", "if-none-match", "x-device-token"} <= asked_with
    assert int(answer.headers["access-control-max-age"]) <= 600


async def test_h04_a_preflight_does_nothing(service: FakeService) -> None:
    async with client_of(service.app(other_origins=OtherOrigins([CRM]))) as client:
        await client.options("/v1/sessions", headers={"Origin": CRM, **PREFLIGHT, **BEARER})
    assert service.log_in.calls == []


async def test_h04_a_host_that_is_refused_is_refused_to_a_listed_origin_as_well() -> None:
    app = FakeService().app(other_origins=OtherOrigins([CRM]), allowed_hosts=AllowedHosts(["auth.example.test"]))
    async with client_of(app) as client:
        answer = await client.get("/v1/users/me", headers={"Origin": CRM})
    assert answer.json()["code"] == "host_not_allowed"
    assert answer.headers["access-control-allow-origin"] == CRM


async def test_h04_a_photo_can_be_shown_by_a_page_of_any_origin() -> None:
    """Its address is the right to look; a header that names no origin can only let in all or none."""
    async with service_for(CRM) as client:
        photo = await client.get(f"/v1/photos/{'a' * 43}")
    assert photo.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    "given",
    [
        "*",
        "null",
        "https://*.example.test",
        "https://crm.example.test/",
        "https://crm.example.test/app",
        "https://crm.example.test?x",
        "https://user@crm.example.test",
        "https://CRM.example.test",
        "https://crm.example.test:443",
        "http://crm.example.test:80",
        "https://",
        "crm.example.test",
        "ftp://crm.example.test",
        "https://bücher.example.test",
        "https://ok.example.test,https://crm.example.test:",
        "https://crm.example.test https://ok.example.test",
    ],
)
def test_h04_the_setting_takes_origins_and_nothing_else(given: str) -> None:
    with pytest.raises(SettingsError, match="CRM_AUTH_ALLOWED_ORIGINS names "):
        Settings.from_environment({"CRM_AUTH_ALLOWED_ORIGINS": given})


def test_h04_the_setting_is_a_list() -> None:
    given = f"{CRM}, http://127.0.0.1:3000 ,http://[::1]:8080,{CRM}"
    settings = Settings.from_environment({"CRM_AUTH_ALLOWED_ORIGINS": given})
    assert settings.allowed_origins == (CRM, "http://127.0.0.1:3000", "http://[::1]:8080")
    assert Settings().allowed_origins == ()


@pytest.fixture
def service() -> FakeService:
    return FakeService()
