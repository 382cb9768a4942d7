"""Which names the service answers to, and what a request cannot say in a second way (H08, H10, H12)."""

from collections.abc import AsyncIterator

import httpx
import pytest

from bootstrap.settings import Settings, SettingsError
from interfaces.http.allowed_hosts import AllowedHosts
from tests.unit.interfaces.http.fake_service import BEARER, CREDENTIALS, FakeService, client_of

NAME = "auth.example.test"
WRONG_HOSTS = (
    "evil.test",
    "authxexample.test",
    "a.auth.example.test",
    "auth.example.test.evil.test",
    "evil.test/auth.example.test",
    "auth.example.test.",
    "auth.example.test:8443",
    "auth.example.test@evil.test",
    "auth.example.test, evil.test",
    " ",
    "",
    "127.0.0.1",
)
SAID_BESIDE_THE_HOST = (
    {"X-Forwarded-Host": NAME},
    {"X-Forwarded-Host": f"{NAME}, evil.test"},
    {"X-Forwarded-Server": NAME},
    {"X-Host": NAME},
    {"X-HTTP-Host-Override": NAME},
    {"X-Original-Host": NAME},
    {"X-Real-Host": NAME},
    {"Forwarded": f"host={NAME}"},
    {"X-Original-URL": f"https://{NAME}/"},
    {"X-Rewrite-URL": f"https://{NAME}/"},
    {"X-Forwarded-Proto": "https", "X-Forwarded-Host": NAME, "X-Forwarded-Port": "443"},
    {"X-Forwarded-For": NAME, "Via": f"1.1 {NAME}"},
)


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def named(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service.app(allowed_hosts=AllowedHosts([NAME, "auth.internal:8000"]))) as client:
        yield client


@pytest.fixture
async def client(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service.app()) as client:
        yield client


def assert_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (400, "host_not_allowed")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert NAME not in answer.text


@pytest.mark.parametrize("host", WRONG_HOSTS)
async def test_h08_a_name_that_is_not_listed_is_refused(
    named: httpx.AsyncClient, service: FakeService, host: str
) -> None:
    for path in ("/v1/sessions", "/nothing"):
        assert_refused(await named.post(path, json=CREDENTIALS, headers={"Host": host}))
    assert_refused(await named.get("/docs", headers={"Host": host}))
    assert service.log_in.calls == []


@pytest.mark.parametrize("host", [NAME, NAME.upper(), "auth.internal:8000"])
async def test_h08_a_name_that_is_listed_is_answered(named: httpx.AsyncClient, host: str) -> None:
    assert (await named.get("/v1/users/me", headers={**BEARER, "Host": host})).status_code == 200


@pytest.mark.parametrize("said", SAID_BESIDE_THE_HOST, ids=str)
async def test_h08_no_other_header_says_the_name(named: httpx.AsyncClient, said: dict[str, str]) -> None:
    assert len(SAID_BESIDE_THE_HOST) == 12
    assert_refused(await named.get("/v1/users/me", headers={**BEARER, "Host": "evil.test", **said}))
    # And none takes it away from whoever has the right one.
    contrary = {name: value.replace(NAME, "evil.test") for name, value in said.items()}
    assert (await named.get("/v1/users/me", headers={**BEARER, "Host": NAME, **contrary})).status_code == 200


async def test_h08_h12_of_two_names_none_counts(named: httpx.AsyncClient) -> None:
    for pair in ((NAME, "evil.test"), ("evil.test", NAME), (NAME, NAME)):
        assert_refused(await named.get("/v1/users/me", headers=[("Host", host) for host in pair]))


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_h08_probes_know_an_address_only(named: httpx.AsyncClient, path: str) -> None:
    assert (await named.get(path, headers={"Host": "10.0.0.7:8000"})).status_code == 200
    assert (await named.get(f"/v1{path}", headers={"Host": "10.0.0.7:8000"})).status_code == 400


async def test_h08_a_mounted_service_knows_its_probes_too(service: FakeService) -> None:
    app = service.app(allowed_hosts=AllowedHosts([NAME]))
    async with client_of(app, root_path="/auth") as client:
        assert (await client.get("/auth/health/live")).status_code == 200
        assert_refused(await client.get("/auth/v1/users/me"))


async def test_h08_any_name_is_answered_by_default(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live", headers={"Host": "whatever.test"})).status_code == 200
    assert (await client.get("/v1/users/me", headers={**BEARER, "Host": "whatever.test"})).status_code == 200


@pytest.mark.parametrize(
    "given",
    ["*", "*.example.test", ".example.test", "https://a.test", "a.test/", "a.test:", "A.test", "a..test", "a b"],
)
def test_h08_the_setting_takes_names_and_nothing_else(given: str) -> None:
    with pytest.raises(SettingsError, match="CRM_AUTH_ALLOWED_HOSTS names "):
        Settings.from_environment({"CRM_AUTH_ALLOWED_HOSTS": given})


def test_h08_the_setting_is_a_list() -> None:
    settings = Settings.from_environment({"CRM_AUTH_ALLOWED_HOSTS": f"{NAME}, 127.0.0.1:8000 ,[::1]:8000"})
    assert settings.allowed_hosts == (NAME, "127.0.0.1:8000", "[::1]:8000")


OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method")


@pytest.mark.parametrize("header", OVERRIDES)
async def test_h10_no_header_and_no_parameter_is_a_method(
    client: httpx.AsyncClient, service: FakeService, header: str
) -> None:
    assert (await client.get("/v1/sessions/current", headers={**BEARER, header: "DELETE"})).status_code == 200
    # The list, and the others' end.
    assert (await client.get("/v1/sessions", headers={**BEARER, header: "DELETE"})).status_code == 200
    answer = await client.post("/v1/users/me", json={}, headers={**BEARER, header: "PATCH"})
    assert answer.status_code == 405
    answer = await client.post("/v1/sessions?_method=DELETE", json={**CREDENTIALS}, headers=BEARER)
    assert answer.status_code in {201, 422}
    assert service.log_out.calls == service.end_all_sessions.calls == service.change_profile.calls == []


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG", "X" * 40, "PRI"])
async def test_h10_other_methods_are_refused_and_nothing_is_echoed(client: httpx.AsyncClient, method: str) -> None:
    for path in ("/v1/users/me", "/v1/sessions", "/health/live"):
        answer = await client.request(method, path, headers={**BEARER, "X-Canary": "canary"})
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert "canary" not in f"{answer.headers}{answer.text}"


@pytest.mark.parametrize("query", ["limit=1&limit=2", "limit=1&limit=1", "cursor=a&cursor=b", "limit=1&LIMIT=2"])
async def test_h12_a_parameter_given_twice_is_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/sessions?{query}", headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize(
    ("header", "values", "status"),
    [
        ("Authorization", ("Bearer a", "Bearer b"), 401),
        ("Authorization", ("Basic x", "Bearer b"), 401),
        ("Content-Type", ("application/json", "text/plain"), 415),
        ("Content-Type", ("text/plain", "application/json"), 415),
    ],
)
async def test_h12_a_header_given_twice_is_refused(
    client: httpx.AsyncClient, header: str, values: tuple[str, str], status: int
) -> None:
    others = [] if header == "Authorization" else list(BEARER.items())
    headers = [*others, *((header, value) for value in values)]
    answer = await client.patch("/v1/users/me", content=b"{}", headers=headers)
    assert answer.status_code == status


async def test_h12_a_key_given_twice_is_refused(client: httpx.AsyncClient, service: FakeService) -> None:
    headers = [("Content-Type", "application/json"), ("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    answer = await client.post("/v1/users", content=b"{}", headers=headers)
    assert answer.json()["code"] in {"invalid_idempotency_key", "invalid_input"}
    assert service.register_user.calls == []
