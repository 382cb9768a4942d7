"""What the OpenAPI document says can be sent to the service, so that tests meet a new route without being told."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interfaces.http.app import openapi_document

METHODS = ("get", "put", "post", "delete", "patch")
FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``fields`` are those of its JSON body that take text; ``example`` is a body it reads."""

    method: str
    path: str
    is_protected: bool
    media_types: tuple[str, ...]
    fields: tuple[str, ...]
    example: Mapping[str, Any]
    parameters: tuple[tuple[str, str], ...]
    """Where (``path``, ``query``, ``header``) and the name."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def json_types(self) -> tuple[str, ...]:
        return tuple(each for each in self.media_types if each.endswith("json"))

    @property
    def image_types(self) -> tuple[str, ...]:
        return tuple(each for each in self.media_types if each.startswith("image/"))

    @property
    def reads_a_form(self) -> bool:
        return FORM in self.media_types


def operations() -> list[Operation]:
    document = json.loads(openapi_document())
    return [
        _operation(document, path, method, described)
        for path, described_methods in document["paths"].items()
        for method, described in described_methods.items()
        if method in METHODS
    ]


def _operation(document: Any, path: str, method: str, described: Any) -> Operation:
    content = described.get("requestBody", {}).get("content", {})
    security = described.get("security", document.get("security", []))
    body = next((each for media_type, each in content.items() if media_type.endswith("json")), {})
    return Operation(
        method=method.upper(),
        path=path,
        # An empty requirement is one way in without a token (OpenAPI 3.1 4.8.30).
        is_protected=bool(security) and {} not in security,
        media_types=tuple(content),
        fields=tuple(_texts(document, body.get("schema", {}))),
        example=body.get("example", {}),
        parameters=tuple((each["in"], each["name"]) for each in described.get("parameters", [])),
    )


def _texts(document: Any, schema: Any) -> Iterator[str]:
    if reference := schema.get("$ref"):
        schema = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
    for name, field in schema.get("properties", {}).items():
        if any(kind.get("type") == "string" for kind in (field, *field.get("anyOf", ()))):
            yield name
