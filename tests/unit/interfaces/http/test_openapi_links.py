"""What the document says so that a machine, or a client made by one, can go on by itself."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from application.sessions.ports import SessionPosition
from interfaces.http.app import openapi_document
from interfaces.http.queries import cursor_of
from tests.support.builders import new_id


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(openapi_document())


def operations(document: Any) -> dict[str, Any]:
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


def links(document: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each with the answer that it starts from."""
    for operation in operations(document).values():
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                yield link, response


def fields_at(document: Any, schema: Any, pointer: str) -> Any:
    """The schema of what the pointer leads to in an answer of that schema."""
    for name in pointer.strip("/").split("/"):
        resolved = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        schema = resolved["items"] if name.isdecimal() else resolved["properties"][name]
    return schema


def test_links_lead_to_operations_and_take_what_they_know(document: Any) -> None:
    known = operations(document)

    for link, _ in links(document):
        target = known[link["operationId"]]
        assert {*link.get("parameters", {})} <= {parameter["name"] for parameter in target.get("parameters", ())}
        if body := link.get("requestBody"):
            reference = target["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            schema = document["components"]["schemas"][reference.rpartition("/")[2]]
            assert {*schema["required"]} <= {*body} <= {*schema["properties"]}


def test_links_take_what_the_answers_have(document: Any) -> None:
    taken = 0
    for link, response in links(document):
        for expression in [*link.get("parameters", {}).values(), *link.get("requestBody", {}).values()]:
            if pointer := re.fullmatch(r"\$response\.body#(/.+)", expression):
                assert fields_at(document, response["content"]["application/json"]["schema"], pointer[1])
                taken += 1
    assert taken


def test_a_session_is_refreshed_and_ended_by_what_its_start_brought(document: Any) -> None:
    found = operations(document)["logIn"]["responses"]["201"]["links"]

    assert {"refreshSession", "endSession", "logOut"} <= {link["operationId"] for link in found.values()}


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, 12, 0, 0, 1, tzinfo=UTC)])
def test_cursors_look_as_the_document_says(document: Any, moment: datetime) -> None:
    cursor = next(one for one in operations(document)["listSessions"]["parameters"] if one["name"] == "cursor")

    written = cursor_of(SessionPosition(created_at=moment, id=new_id()))

    assert written
    assert re.search(cursor["schema"]["pattern"], written)
    assert not re.search(cursor["schema"]["pattern"], "")


@pytest.mark.parametrize("body", ["Registration", "ProfileChange"])
@pytest.mark.parametrize("field", ["given_name", "family_name", "display_name", "phone_number", "locale", "zoneinfo"])
def test_that_an_empty_field_is_refused_is_said(document: Any, body: str, field: str) -> None:
    """But for a form, in which what is empty was left out."""
    assert document["components"]["schemas"][body]["properties"][field]["minLength"] == 1
    form = operations(document)["registerUser"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert "minLength" not in form["properties"][field]
