"""Every refusal as a problem document: the table is complete, the headers are there, nothing internal is told."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from litestar.exceptions import (
    ImproperlyConfiguredException,
    InternalServerException,
    NotAuthorizedException,
    SerializationException,
    TooManyRequestsException,
)

from domain.accounts.errors import IdentifierTaken
from domain.errors import DomainError, ErrorKind, InvalidValue
from interfaces.http.problems import STATUS_OF_KIND, TRANSPORT_PROBLEMS, ProblemType
from tests.unit.interfaces.http.fake_service import BEARER, FakeService, client_of

MEMBERS = {"type", "title", "status", "detail", "instance", "code"}


def refusals(error: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for narrower in error.__subclasses__():
        if narrower is not IdentifierTaken:
            yield narrower
        yield from refusals(narrower)


def test_each_kind_has_a_status() -> None:
    assert set(STATUS_OF_KIND) == set(ErrorKind)


def test_each_code_is_one_refusal() -> None:
    codes = [error.code for error in refusals()] + [problem.code for problem in TRANSPORT_PROBLEMS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", list(refusals()), ids=lambda error: error.__name__)
async def test_each_domain_error_as_a_problem(
    client: httpx.AsyncClient, service: FakeService, error: type[DomainError]
) -> None:
    detail = "A sentence about it."
    service.view_profile.outcome = InvalidValue("a_reason", detail) if error is InvalidValue else error(detail)
    answer = await client.get("/v1/users/me?secret=1", headers=BEARER)
    problem = ProblemType.of(error)
    assert answer.status_code == problem.status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"/errors#{error.code}",
        "title": error.title,
        "status": problem.status,
        "detail": detail,
        "instance": "/v1/users/me",
        "code": error.code,
    }
    assert ("www-authenticate" in answer.headers) == (problem.status == 401)
    assert ("retry-after" in answer.headers) == (problem.status in {429, 503})


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v1/users/me/more", 404, "not_found"),
        ("GET", "/%00", 404, "not_found"),
        ("GET", "/..%2f..%2fetc%2fpasswd", 404, "not_found"),
        ("GET", "/docs/assets/../../secret", 404, "not_found"),
        ("GET", "/v1/users", 405, "method_not_allowed"),
        ("PUT", "/v1/users/me", 405, "method_not_allowed"),
        ("TRACE", "/v1/users/me", 405, "method_not_allowed"),
        ("CONNECT", "/v1/users/me", 405, "method_not_allowed"),
        ("PROPFIND", "/v1/users/me", 405, "method_not_allowed"),
        ("TRACE", "/nothing", 404, "not_found"),
    ],
)
async def test_what_the_router_refuses(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == MEMBERS
    assert answer.json()["instance"] == answer.request.url.raw_path.decode()


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/users", "OPTIONS, POST"),
        ("/v1/users/me", "GET, HEAD, OPTIONS, PATCH"),
        ("/v1/sessions/current", "DELETE, GET, HEAD, OPTIONS"),
        ("/health/live", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(client: httpx.AsyncClient, path: str, methods: str) -> None:
    assert (await client.request("PROPFIND", path)).headers["allow"] == methods
    assert (await client.options(path)).headers["allow"] == methods


async def test_h08_a_host_that_is_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live", headers={"Host": "evil.test/<script>"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("the secret of the database"),
        KeyError("the secret of the database"),
        RecursionError("the secret of the database"),
        InternalServerException("the secret of the database"),
        ImproperlyConfiguredException("the secret of the database"),
        SerializationException("the secret of the database"),
    ],
)
async def test_h02_a_failure_tells_nothing(client: httpx.AsyncClient, service: FakeService, failure: Exception) -> None:
    service.view_profile.outcome = failure
    with structlog.testing.capture_logs() as logged:
        answer = await client.get("/v1/users/me", headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.json()["title"] == answer.json()["detail"]
    [entry] = [entry for entry in logged if entry["event"] == "request_failed"]
    assert entry["exc_info"] is failure
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert entry["log_level"] == "error"


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (NotAuthorizedException("who are you, eve@example.test?"), 400, "bad_request"),
        (TooManyRequestsException("eve@example.test again"), 400, "bad_request"),
    ],
)
async def test_other_refusals_of_the_framework_are_not_passed_on(
    client: httpx.AsyncClient, service: FakeService, refusal: Exception, status: int, code: str
) -> None:
    """Nothing of ours raises them. Whatever does has no say in the contract's statuses."""
    service.view_profile.outcome = refusal
    answer = await client.get("/v1/users/me", headers=BEARER)
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert "eve" not in answer.text


async def test_the_type_leads_to_its_explanation(client: httpx.AsyncClient) -> None:
    problem = await client.get("/nothing")
    target = httpx.URL(problem.url).join(problem.json()["type"])
    page = await client.get(target)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'id="{target.fragment}"' in page.text


async def test_type_and_instance_are_right_under_a_mount(service: FakeService) -> None:
    async with client_of(service.app(), root_path="/auth") as client:
        problem = (await client.get("/auth/v1/nothing?x=1")).json()
        assert (problem["type"], problem["instance"]) == ("/auth/errors#not_found", "/auth/v1/nothing")
        assert (await client.get(problem["type"])).status_code == 200


async def test_a_client_that_hangs_up_is_no_failure_of_ours(service: FakeService) -> None:
    messages: Any = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope: Any = {"type": "http", "method": "POST", "path": "/v1/users", "query_string": b"", "headers": headers}
    with structlog.testing.capture_logs() as logged:
        await service.app()(scope, receive, send)
    assert [entry["event"] for entry in logged] == ["request"]
    assert sent[0]["status"] == 400
    assert service.register_user.calls == []
