"""What surrounds every route: ids, headers, HEAD, the log, mounts, and failures that nothing else survives."""

import gc
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import structlog
from litestar import Litestar, asgi
from litestar.types import ASGIApp, Receive, Scope, Send

from domain.errors import ServiceUnavailable
from interfaces.http.app import PROVIDED, http_app
from interfaces.http.client_address import ClientAddress
from interfaces.http.middleware import AccessRecord, EdgeMiddleware
from interfaces.http.request_context import SERVER_TAKES_VIEWS, RequestContext
from tests.unit.interfaces.http.fake_service import (
    BEARER,
    PUBLIC_URL,
    REFRESH,
    REGISTRATION,
    FakeService,
    client_of,
)

ANSWERS = [
    ("GET", "/health/live"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/v1/users/me"),
    ("POST", "/v1/users"),
    ("GET", "/nothing"),
    ("PUT", "/v1/users"),
    ("OPTIONS", "/v1/users"),
    ("GET", "/errors"),
    ("GET", "/docs"),
    ("GET", "/"),
    ("GET", "/openapi.json"),
]
every_answer = pytest.mark.parametrize(("method", "path"), ANSWERS)


@every_answer
async def test_h05_h06_each_answer_has_what_all_have(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    names = [name.lower() for name, _ in answer.headers.multi_items()]
    assert len(names) == len(set(names))
    assert re.fullmatch("[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", answer.headers["x-request-id"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"]
    assert "server" not in answer.headers
    assert "strict-transport-security" not in answer.headers
    assert not [name for name in names if name.startswith("access-control-")]


async def test_h05_browsers_are_told_to_insist_on_tls(service: FakeService) -> None:
    async with client_of(service.app(public_url="https://auth.example.test")) as client:
        assert "max-age=" in (await client.get("/nothing")).headers["strict-transport-security"]


@pytest.mark.parametrize("given", ["a", "A-z_09", "x" * 64])
async def test_a_callers_request_id_is_kept(client: httpx.AsyncClient, service: FakeService, given: str) -> None:
    answer = await client.post("/v1/users", json=REGISTRATION, headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    assert service.register_user.calls[0][1].request_id == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\x1b[2J", "{}", "é", "a;b", "a\tb"])
async def test_a_request_id_that_could_forge_a_log_is_not(client: httpx.AsyncClient, given: str) -> None:
    headers = {b"X-Request-ID": given.encode("latin-1")}
    assert (await client.get("/health/live", headers=headers)).headers["x-request-id"] != given


@pytest.mark.parametrize("prefix", ["crm_rt_", "crm_pr_", "crm_ev_", "crm_su_"])
async def test_g02_a_token_in_the_place_of_a_request_id_is_not_kept(client: httpx.AsyncClient, prefix: str) -> None:
    """It would be in the log of every node, and in the record of events."""
    given = prefix + "x" * 43
    assert (await client.get("/health/live", headers={"X-Request-ID": given})).headers["x-request-id"] != given


async def test_h12_of_two_request_ids_none_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live", headers=[("X-Request-ID", "one"), ("X-Request-ID", "two")])
    assert answer.headers["x-request-id"] not in {"one", "two"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"Mozilla/5.0", "Mozilla/5.0"),
        (b"x" * 1000, "x" * 256),
        (b"a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("é\u202e\ufeffx".encode(), "éx"),
        (b"\xff", "\ufffd"),
        (b"", None),
        (b"\x01", None),
    ],
)
async def test_the_user_agent_is_printable_and_cut(
    client: httpx.AsyncClient, service: FakeService, sent: bytes, kept: str | None
) -> None:
    await client.post("/v1/sessions/refresh", json=REFRESH, headers={b"User-Agent": sent})
    assert service.refresh_session.calls[0][1].user_agent == kept


@pytest.mark.parametrize("path", [path for method, path in ANSWERS if method == "GET"])
async def test_head_is_get_without_content(client: httpx.AsyncClient, path: str) -> None:
    get, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    volatile = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in volatile} == {
        k: v for k, v in get.headers.items() if k not in volatile
    }


async def test_no_content_is_sent_to_head(app: Litestar) -> None:
    """As the server sees it: clients drop such content by themselves."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    raw: Any = {"type": "http", "method": "HEAD", "path": "/health/live", "query_string": b"", "headers": []}
    await app(raw, nothing_to_receive, send)
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"content-length"]) == (200, b"15")
    assert b"".join(message["body"] for message in sent[1:]) == b""


async def test_head_of_a_route_that_cannot_be_read(client: httpx.AsyncClient) -> None:
    answer = await client.head("/v1/users")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "OPTIONS, POST", b"")


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_h10_override_headers_are_ignored(client: httpx.AsyncClient, service: FakeService, header: str) -> None:
    answer = await client.get("/v1/sessions/current", headers={**BEARER, header: "DELETE"})
    assert answer.status_code == 200
    assert service.log_out.calls == []


def records_of(service: FakeService) -> tuple[Litestar, list[AccessRecord]]:
    records: list[AccessRecord] = []
    return service.app(access_log=records.append), records


async def test_g02_the_log_names_the_route_and_nothing_that_was_sent(service: FakeService) -> None:
    app, records = records_of(service)
    async with client_of(app) as client:
        answer = await client.get("/docs/assets/canary?q=canary", headers={"X-Canary": "canary"})
        await client.post("/v1/users?token=canary", json=REGISTRATION, headers=BEARER)
        await client.head("/v1/users/me", headers=BEARER)
        await client.get("/v1/canary")
        await client.put("/v1/users?canary")
    assert [(record.method, record.path, record.status) for record in records] == [
        ("GET", "/docs/assets/{name}", 404),
        ("POST", "/v1/users", 201),
        ("HEAD", "/v1/users/me", 200),
        ("GET", "unmatched", 404),
        ("PUT", "/v1/users", 405),
    ]
    assert records[0].request_id == answer.headers["x-request-id"]
    assert all(0 <= record.duration_ms < 10_000 for record in records)
    assert not any("canary" in str(record) for record in records)


async def test_g03_the_log_cannot_be_forged(service: FakeService) -> None:
    app, records = records_of(service)
    async with client_of(app) as client:
        await client.request("G\x1bET", "/health/live")
        await client.get("/a%0Ab%1b%5B2J/" + "x" * 1000)
    raw: Any = {"type": "http", "method": "get\n", "path": "/a\nb\x1b\u202e", "query_string": b"", "headers": []}
    await app(raw, nothing_to_receive, ignore)
    assert [record.method for record in records] == ["other", "GET", "other"]
    assert [record.path for record in records] == ["/health/live", "unmatched", "unmatched"]


async def test_the_log_goes_to_structlog_unless_told_otherwise(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = await client.get("/health/live")
    [entry] = logged
    assert (entry["event"], entry["method"], entry["path"], entry["status"]) == ("request", "GET", "/health/live", 200)
    assert entry["request_id"] == answer.headers["x-request-id"]


async def nothing_to_receive() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def ignore(_message: Any) -> None:
    pass


def edge_around(app: ASGIApp) -> EdgeMiddleware:
    return EdgeMiddleware(app, methods={}, client_address=ClientAddress(), public_url=PUBLIC_URL, access_log=None)


async def test_a_failure_outside_the_framework_is_a_problem_too() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("the secret of the database")

    with structlog.testing.capture_logs() as logged:
        async with client_of(edge_around(broken)) as client:
            answer = await client.get("/v1/users/me")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == logged[0]["request_id"]
    assert "secret" not in answer.text


async def test_half_an_answer_is_not_made_whole() -> None:
    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    with structlog.testing.capture_logs() as logged:
        async with client_of(edge_around(breaks_off)) as client:
            with pytest.raises(RuntimeError):
                await client.get("/")
    assert [entry["event"] for entry in logged] == ["request_failed"]


async def test_the_application_starts_and_stops_what_it_is_given(service: FakeService) -> None:
    happened = []

    @asynccontextmanager
    async def database(app: Litestar) -> AsyncIterator[None]:
        happened.append("started")
        yield
        happened.append("stopped")

    app = service.app(lifespan=[database])
    async with app.lifespan():
        assert happened == ["started"]
    assert happened == ["started", "stopped"]


@pytest.mark.parametrize("name", PROVIDED)
def test_a_dependency_that_is_missing_is_missed_at_the_start(service: FakeService, name: str) -> None:
    dependencies = service.provided()
    del dependencies[name]
    with pytest.raises(LookupError, match=name):
        http_app(dependencies=dependencies, client_address=ClientAddress(), public_url=PUBLIC_URL)


async def test_applications_side_by_side_are_strangers() -> None:
    one, other = FakeService(), FakeService()
    other.view_profile.outcome = ServiceUnavailable()
    async with client_of(one.app()) as client, client_of(other.app()) as other_client:
        assert (await client.get("/v1/users/me", headers=BEARER)).status_code == 200
        assert (await other_client.get("/v1/users/me", headers=BEARER)).status_code == 503


async def test_h13_the_documentation_can_be_switched_off(service: FakeService) -> None:
    async with client_of(service.app(documentation=False)) as client:
        for path in ("/", "/docs", "/docs/assets/docs.js", "/openapi.json"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/errors")).status_code == 200


def stripping_mount(app: Any) -> Any:
    """As older frameworks mount: the prefix is in `root_path`, and cut off the path."""

    async def mount(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix("/auth")
        await app({**scope, "path": path, "root_path": "/auth"}, receive, send)

    return mount


def keeping_mount(app: Any) -> Any:
    """As the ASGI specification has it: the prefix is in both."""

    async def mount(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/auth"}, receive, send)

    return mount


def litestar_mount(app: Any) -> Any:
    """As Litestar mounts: the prefix is nowhere but in the raw path."""

    @asgi("/auth", is_mount=True, copy_scope=True)
    async def mount(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return Litestar([mount], openapi_config=None, logging_config=None)


@pytest.mark.parametrize("mount", [stripping_mount, keeping_mount, litestar_mount])
async def test_under_a_mount(service: FakeService, mount: Any) -> None:
    async with client_of(mount(service.app())) as client:
        created = await client.post("/auth/v1/users", json=REGISTRATION)
        assert (created.status_code, created.headers["location"]) == (201, "/auth/v1/users/me")
        assert (await client.get(created.headers["location"], headers=BEARER)).status_code == 200
        refused = await client.get("/auth/v1/users/me")
        assert refused.status_code == 401
        assert (refused.json()["type"], refused.json()["instance"]) == (
            "/auth/errors#authentication_required",
            "/auth/v1/users/me",
        )
        assert (await client.get(refused.json()["type"])).status_code == 200
        assert (await client.get("/auth/openapi.json")).status_code == 200
        assert (await client.get("/auth/docs")).status_code == 200
        assert (await client.get("/auth/nothing")).json()["instance"] == "/auth/nothing"
        assert (await client.get("/auth/", follow_redirects=True)).url.path == "/auth/docs"


@pytest.mark.parametrize("path", ["//evil.test/v1/users", "/\\evil.test/v1/users", "/%2f%2fevil.test/v1/users"])
async def test_no_path_makes_a_location_that_leaves_the_host(service: FakeService, path: str) -> None:
    async with client_of(litestar_mount(service.app())) as client:
        answer = await client.post(f"/auth/{path}", json=REGISTRATION)
    assert "location" not in answer.headers or not answer.headers["location"].startswith(("//", "/\\"))
    assert not answer.json().get("type", "").startswith(("//", "/\\"))


LARGE = bytes(range(250)) * 600
"""Two slices and a part of one."""


@pytest.mark.parametrize("more", [True, False])
@pytest.mark.parametrize(("state", "kind"), [({}, bytes), ({SERVER_TAKES_VIEWS: True}, memoryview)])
async def test_d04_a_large_answer_is_handed_to_the_server_in_slices(
    more: bool, state: dict[str, Any], kind: type
) -> None:
    sent = await bodies_of(LARGE, more, "GET", state)
    assert [len(message["body"]) for message in sent] == [65536, 65536, 150_000 - 2 * 65536]
    assert [message["more_body"] for message in sent] == [True, True, more]
    assert all(type(message["body"]) is kind for message in sent)
    assert b"".join(message["body"] for message in sent) == LARGE


async def test_a_small_answer_is_handed_over_as_it_is() -> None:
    small = LARGE[:65536]
    [message] = await bodies_of(small, False, "GET", {SERVER_TAKES_VIEWS: True})
    assert message["body"] is small


async def test_nothing_of_a_large_answer_is_sent_to_head() -> None:
    assert [message["body"] for message in await bodies_of(LARGE, False, "HEAD", {})] == [b""]


async def bodies_of(body: bytes, more: bool, method: str, state: dict[str, Any]) -> list[Any]:
    """What the server is given behind the head."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": more})

    given: list[Any] = []

    async def keep(message: Any) -> None:
        given.append(message)

    raw: Any = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": [], "state": state}
    await edge_around(app)(raw, nothing_to_receive, keep)
    return given[1:]


@pytest.mark.parametrize(("method", "path"), [("GET", "/health/live"), ("HEAD", "/health/live"), ("GET", "/nothing")])
async def test_a_request_leaves_nothing_for_the_collector(client: httpx.AsyncClient, method: str, path: str) -> None:
    """What is freed at once is used again at once; what waits for the collector has left the processor's caches."""
    await client.request(method, path)
    before = contexts()
    gc.disable()
    try:
        await client.request(method, path)
        left = [each for each in contexts() if not any(each is one for one in before)]
    finally:
        gc.enable()
    assert not left


def contexts() -> list[RequestContext]:
    return [each for each in gc.get_objects() if isinstance(each, RequestContext)]
