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
from tests.unit.interfaces.http.fake_service import BEARER, CALLER_ROUTES, POST_ROUTES, FakeService

SOURCE = Path(__file__).parents[4] / "src"
OPERATIONS = {
    "registerUser": ("post", "/v1/users"),
    "viewProfile": ("get", "/v1/users/me"),
    "logIn": ("post", "/v1/sessions"),
    "refreshSession": ("post", "/v1/sessions/refresh"),
    "viewCurrentSession": ("get", "/v1/sessions/current"),
    "logOut": ("delete", "/v1/sessions/current"),
    "getJwks": ("get", "/.well-known/jwks.json"),
    "healthLive": ("get", "/health/live"),
    "healthReady": ("get", "/health/ready"),
}
CODES = {
    "registerUser": {
        "bad_request", "malformed_json", "signup_closed", "email_taken", "username_taken", "content_too_large",
        "unsupported_media_type", "invalid_input", "too_many_attempts", "internal_error", "overloaded",
        "service_unavailable",
    },
    "viewProfile": {
        "bad_request", "authentication_required", "invalid_token", "internal_error", "service_unavailable",
    },
    "logIn": {
        "bad_request", "malformed_json", "invalid_credentials", "additional_authentication_required",
        "content_too_large", "unsupported_media_type", "invalid_input", "too_many_attempts", "internal_error",
        "overloaded", "service_unavailable",
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
    "getJwks": {"bad_request", "internal_error"},
    "healthLive": set(),
    "healthReady": {"bad_request", "internal_error"},
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
    assert found == CODES[operation_id]


def test_callers_are_asked_for_a_token_and_nobody_else(document: Any) -> None:
    scheme = document["components"]["securitySchemes"]["bearerAuth"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    secured = {(method.upper(), path) for method, path, each in operations(document) if "security" in each}
    assert secured == set(CALLER_ROUTES)
    assert all(
        each.get("security", [{"bearerAuth": []}]) == [{"bearerAuth": []}] for _, _, each in operations(document)
    )


def test_obligatory_headers_are_told(document: Any) -> None:
    for _, _, each in operations(document):
        for status, response in each["responses"].items():
            assert "X-Request-ID" in response["headers"]
            assert ("WWW-Authenticate" in response["headers"]) == (status == "401")
            assert ("Retry-After" in response["headers"]) == (status in {"429", "503"})
    assert "Location" in operation(document, "registerUser")["responses"]["201"]["headers"]


def test_every_route_is_in_it_or_kept_out_on_purpose(app: Litestar, document: Any) -> None:
    hidden = {"/", "/docs", "/docs/assets/{name:str}", "/errors", "/openapi.json"}
    routes = {route.path for route in app.routes if isinstance(route, HTTPRoute)}
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
    answer = await client.request(method, path, headers=BEARER, json=POST_ROUTES.get(path))
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
    assert {name.lower() for name in response["headers"]} <= set(answer.headers)
    if "content" not in response:
        assert answer.content == b""
        return
    content = response["content"][answer.headers["content-type"]]
    validator(document, content["schema"]).validate(answer.json())


async def test_it_is_served(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.content == openapi_document()
    again = await client.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
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
