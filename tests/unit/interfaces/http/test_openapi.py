"""The OpenAPI document: valid, complete, the same from every run, and true to what is answered."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from litestar import Litestar
from litestar.routes import HTTPRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

from domain.credentials.password import PasswordPolicy
from interfaces.http import wire
from interfaces.http.app import openapi_document
from interfaces.http.openapi import DOCUMENTED_TYPES
from tests.unit.interfaces.http.fake_service import BEARER, CALLER_BODIES, CALLER_ROUTES, POST_ROUTES, FakeService

SOURCE = Path(__file__).parents[4] / "src"
OPERATIONS = {
    "requestPasswordReset": ("post", "/v1/password-resets"),
    "requestEmailVerification": ("post", "/v1/email-verifications"),
    "requestEmailChange": ("post", "/v1/users/me/email"),
    "rejectEmailVerification": ("post", "/v1/email-verifications/reject"),
    "confirmEmailVerification": ("post", "/v1/email-verifications/confirm"),
    "registerUser": ("post", "/v1/users"),
    "viewProfile": ("get", "/v1/users/me"),
    "changeProfile": ("patch", "/v1/users/me"),
    "changePassword": ("put", "/v1/users/me/password"),
    "deleteAccount": ("post", "/v1/users/me/deletion"),
    "exportAccount": ("get", "/v1/users/me/export"),
    "confirmPasswordReset": ("post", "/v1/password-resets/confirm"),
    "logIn": ("post", "/v1/sessions"),
    "refreshSession": ("post", "/v1/sessions/refresh"),
    "viewCurrentSession": ("get", "/v1/sessions/current"),
    "logOut": ("delete", "/v1/sessions/current"),
    "listSessions": ("get", "/v1/sessions"),
    "endSession": ("delete", "/v1/sessions/{session_id}"),
    "endAllSessions": ("delete", "/v1/sessions"),
    "setPhoto": ("put", "/v1/users/me/photo"),
    "removePhoto": ("delete", "/v1/users/me/photo"),
    "viewPhoto": ("get", "/v1/photos/{photo_id}"),
    "getJwks": ("get", "/.well-known/jwks.json"),
    "healthLive": ("get", "/health/live"),
    "healthReady": ("get", "/health/ready"),
    "readMetrics": ("get", "/metrics"),
}
MAIL_REQUEST_CODES = {
    "bad_request", "malformed_json", "content_too_large", "unsupported_media_type", "invalid_input",
    "too_many_attempts", "internal_error", "service_unavailable",
}  # fmt: skip

CODES = {
    "registerUser": {
        "bad_request", "malformed_json", "signup_closed", "email_taken", "username_taken", "content_too_large",
        "unsupported_media_type", "invalid_input", "too_many_attempts", "internal_error", "overloaded",
        "service_unavailable", "invalid_idempotency_key", "request_in_progress", "idempotency_key_reused",
        "account_deleted", "malformed_form",
    },
    "viewProfile": {
        "bad_request", "authentication_required", "invalid_token", "internal_error", "service_unavailable",
    },
    "changeProfile": {
        "bad_request", "malformed_json", "authentication_required", "invalid_token", "username_taken",
        "content_too_large", "unsupported_media_type", "invalid_input", "internal_error", "service_unavailable",
    },
    "changePassword": {
        "bad_request", "malformed_json", "authentication_required", "invalid_token", "wrong_password",
        "email_not_verified", "content_too_large", "unsupported_media_type", "invalid_input", "too_many_attempts",
        "internal_error", "overloaded", "service_unavailable",
    },
    "deleteAccount": {
        "bad_request", "malformed_json", "authentication_required", "invalid_token", "wrong_password",
        "self_deletion_off", "content_too_large", "unsupported_media_type", "invalid_input", "too_many_attempts",
        "internal_error", "overloaded", "service_unavailable",
    },
    "exportAccount": {
        "bad_request", "authentication_required", "invalid_token", "too_many_attempts", "internal_error",
        "service_unavailable",
    },
    "requestPasswordReset": MAIL_REQUEST_CODES,
    "requestEmailVerification": MAIL_REQUEST_CODES,
    "confirmEmailVerification": {
        "bad_request", "malformed_json", "authentication_required", "invalid_token", "invalid_credentials",
        "email_taken", "content_too_large", "unsupported_media_type", "invalid_input", "too_many_attempts",
        "internal_error", "overloaded", "service_unavailable",
    },
    "requestEmailChange": {
        "bad_request", "malformed_json", "authentication_required", "invalid_token", "wrong_password",
        "content_too_large", "unsupported_media_type", "invalid_input", "too_many_attempts", "internal_error",
        "overloaded", "service_unavailable",
    },
    "rejectEmailVerification": {
        "bad_request", "malformed_json", "content_too_large", "unsupported_media_type", "invalid_input",
        "internal_error", "service_unavailable",
    },
    "confirmPasswordReset": {
        "bad_request", "malformed_json", "content_too_large", "unsupported_media_type", "invalid_input",
        "internal_error", "overloaded", "service_unavailable",
    },
    "logIn": {
        "bad_request", "malformed_json", "invalid_credentials", "additional_authentication_required",
        "email_not_verified", "content_too_large", "unsupported_media_type", "invalid_input", "too_many_attempts",
        "internal_error", "overloaded", "service_unavailable",
    },
    "refreshSession": {
        "bad_request", "malformed_json", "invalid_refresh_token", "content_too_large", "unsupported_media_type",
        "invalid_input", "internal_error", "service_unavailable",
    },
    "viewCurrentSession": {
        "bad_request", "authentication_required", "invalid_token", "internal_error", "service_unavailable",
    },
    "logOut": {
        "bad_request", "authentication_required", "invalid_token", "internal_error", "service_unavailable",
    },
    "listSessions": {
        "bad_request", "authentication_required", "invalid_token", "invalid_input", "internal_error",
        "service_unavailable",
    },
    "endSession": {
        "bad_request", "authentication_required", "invalid_token", "session_not_found", "internal_error",
        "service_unavailable",
    },
    "endAllSessions": {
        "bad_request", "authentication_required", "invalid_token", "invalid_input", "internal_error",
        "service_unavailable",
    },
    "setPhoto": {
        "bad_request", "malformed_form", "authentication_required", "invalid_token", "content_too_large",
        "unsupported_media_type", "invalid_input", "internal_error", "overloaded", "service_unavailable",
    },
    "removePhoto": {
        "bad_request", "authentication_required", "invalid_token", "internal_error", "service_unavailable",
    },
    "viewPhoto": {"bad_request", "photo_not_found", "invalid_input", "internal_error", "service_unavailable"},
    "getJwks": {"bad_request", "internal_error"},
    "healthLive": set(),
    "healthReady": {"bad_request", "internal_error"},
    "readMetrics": {"bad_request", "authentication_required", "invalid_token", "internal_error"},
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(openapi_document())


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def operation(document: Any, operation_id: str) -> Any:
    method, path = OPERATIONS[operation_id]
    return document["paths"][path][method]


def test_it_is_valid(document: Any) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_operation_ids_are_stable(document: Any) -> None:
    assert {each["operationId"]: (method, path) for method, path, each in operations(document)} == OPERATIONS


def test_each_operation_can_be_read(document: Any) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for _, _, each in operations(document):
        assert each["summary"]
        assert set(each["tags"]) <= tags
        assert all(response["description"] for response in each["responses"].values())


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_each_code_is_on_its_routes(document: Any, operation_id: str) -> None:
    found = set()
    for status, response in operation(document, operation_id)["responses"].items():
        for code, example in (
            response.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
        ):
            assert (example["value"]["code"], example["value"]["status"]) == (code, int(status))
            assert f"`{code}`" in response["description"]
            found.add(code)
    expected = set(CODES[operation_id])
    if "bad_request" in expected:
        expected.add("host_not_allowed")
    if "content_too_large" in expected:
        # Whatever reads a body waits for it, and not for ever (D04).
        expected.add("request_timeout")
    assert found == expected


def test_callers_are_asked_for_a_token_and_nobody_else(document: Any) -> None:
    scheme = document["components"]["securitySchemes"]["bearerAuth"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    secured = {
        (method.upper(), path)
        for method, path, each in operations(document)
        if each.get("security") == [{"bearerAuth": []}]
    }
    assert secured == set(CALLER_ROUTES)
    open_to_either = {each["operationId"] for _, _, each in operations(document) if {} in each.get("security", [])}
    assert open_to_either == {"confirmEmailVerification"}


def test_obligatory_headers_are_told(document: Any) -> None:
    for _, _, each in operations(document):
        for status, response in each["responses"].items():
            assert "X-Request-ID" in response["headers"]
            assert ("WWW-Authenticate" in response["headers"]) == (status == "401")
            retry_after = response["headers"].get("Retry-After", {"required": False})
            assert retry_after["required"] == (status in {"429", "503"})
    assert "Location" in operation(document, "registerUser")["responses"]["201"]["headers"]


def test_every_route_is_in_it_or_kept_out_on_purpose(app: Litestar, document: Any) -> None:
    hidden = {"/", "/docs", "/docs/assets/{name}", "/errors", "/openapi.json"}
    hidden |= {"/password-reset", "/email-verification", "/email-rejection", "/account-freeze", "/pages/assets/{name}"}
    routes = {route.path_format or "/" for route in app.routes if isinstance(route, HTTPRoute)}
    assert routes == set(document["paths"]) | hidden


def test_schemas_are_those_of_the_documented_types(document: Any) -> None:
    """The framework refers to a schema by the name of its struct; a struct that is not listed would be missing."""
    assert {each.__name__ for each in DOCUMENTED_TYPES} | {"FieldProblem"} == set(document["components"]["schemas"])


def test_bodies_refuse_unknown_fields_by_their_schema(document: Any) -> None:
    for name in ("Registration", "Credentials", "RefreshRequest"):
        assert document["components"]["schemas"][name]["additionalProperties"] is False
    assert document["components"]["schemas"]["User"]["required"] == list(wire.User.__struct_fields__)


def test_the_servers_are_relative(document: Any) -> None:
    assert document["servers"] == [{"url": "."}]


def test_the_examples_can_be_pressed_in_order(document: Any) -> None:
    examples = {
        name: operation(document, name)["requestBody"]["content"]["application/json"]["example"]
        for name in ("registerUser", "logIn", "refreshSession")
    }
    assert examples["logIn"]["identifier"] in {examples["registerUser"]["email"], examples["registerUser"]["username"]}
    assert examples["logIn"]["password"] == examples["registerUser"]["password"]
    assert examples["registerUser"]["email"].endswith("@example.test")
    PasswordPolicy().parse(examples["registerUser"]["password"])


def validator(document: Any, schema: Any) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


@pytest.mark.parametrize("operation_id", ["registerUser", "logIn", "refreshSession"])
async def test_the_examples_are_what_they_are_examples_of(
    client: httpx.AsyncClient, document: Any, operation_id: str
) -> None:
    method, path = OPERATIONS[operation_id]
    content = operation(document, operation_id)["requestBody"]["content"]["application/json"]
    validator(document, content["schema"]).validate(content["example"])
    assert (await client.request(method, path, json=content["example"])).is_success


@pytest.mark.parametrize("operation_id", OPERATIONS)
async def test_answers_are_as_documented(client: httpx.AsyncClient, document: Any, operation_id: str) -> None:
    method, path = OPERATIONS[operation_id]
    body = (POST_ROUTES | CALLER_BODIES).get(path)
    files = {"photo": ("me.png", b"a picture", "image/png")} if operation_id == "setPhoto" else None
    answer = await client.request(method, path, headers=BEARER, json=body, files=files)
    assert answer.is_success
    await assert_documented(answer, document, operation_id)


@pytest.mark.parametrize("operation_id", OPERATIONS)
async def test_refusals_are_as_documented(
    client: httpx.AsyncClient, service: FakeService, document: Any, operation_id: str
) -> None:
    service.readiness.works = {"database": False}
    method, path = OPERATIONS[operation_id]
    answers = [await client.request(method, path, content=b"{", headers={"Content-Type": "application/json"})]
    answers.append(await client.request(method, path, json={"x": 1}))
    for answer in answers:
        await assert_documented(answer, document, operation_id)


async def assert_documented(answer: httpx.Response, document: Any, operation_id: str) -> None:
    response = operation(document, operation_id)["responses"][str(answer.status_code)]
    required = {name.lower() for name, header in response["headers"].items() if header.get("required")}
    assert required <= set(answer.headers)
    if "content" not in response:
        assert answer.content == b""
        return
    content = response["content"][answer.headers["content-type"].partition(";")[0]]
    if answer.headers["content-type"].startswith("text/plain"):
        assert content["schema"] == {"type": "string"}
        return
    if answer.headers["content-type"] == "image/webp":
        assert content["schema"] == {"type": "string", "format": "binary"}
        return
    validator(document, content["schema"]).validate(answer.json())


def test_the_key_for_sending_again_is_told_and_has_no_example(document: Any) -> None:
    """The docs page sends an example by itself, and then with every other body as well."""
    [key] = operation(document, "registerUser")["parameters"]
    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", False)
    assert not {"example", "examples"} & {*key, *key["schema"]}
    assert "Retry-After" in operation(document, "registerUser")["responses"]["409"]["headers"]


async def test_it_is_served(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.content == openapi_document()
    again = await client.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await client.get("/openapi.json", headers={"If-None-Match": '"a,*,b"'})
    assert other.status_code == 200
    plain = await client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert plain.content == openapi_document()
    assert plain.headers["etag"] != answer.headers["etag"]


def test_it_is_the_same_from_every_run() -> None:
    """So that the copy in `docs` changes only when the interface does."""
    program = (
        "import sys; from interfaces.http.app import openapi_document; sys.stdout.buffer.write(openapi_document())"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "1"}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=environment)
    assert run.stdout == openapi_document()


def test_p13_nobody_is_asked_for_hints_and_no_password_has_an_end() -> None:
    schemas = json.loads(openapi_document())["components"]["schemas"]
    names = {name for schema in schemas.values() for name in schema.get("properties", {})}
    assert "new_password" in names
    for wrong in ("hint", "question", "answer", "password_expires", "password_age"):
        assert not [name for name in names if wrong in name]
