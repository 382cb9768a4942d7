"""The OpenAPI document: what the routes do not say themselves, and the document as it is served and kept.

Schemas are those of msgspec, which reads and writes the bodies: the framework's own lose what the fields say of
themselves and that unknown ones are refused.
"""

import json
from collections.abc import Iterator
from typing import Any

from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Server, Tag
from msgspec.json import schema_components

from interfaces.http import accounts, health, jwks, sessions, wire
from interfaces.http.authentication import BEARER_SCHEME, BEARER_SCHEME_NAME
from interfaces.http.health import LiveBody, NotReadyProblem, ReadyBody
from interfaces.http.jwks import JwkSet
from interfaces.http.problems import Problem

API_VERSION = "1.0.0"

DOCUMENTED_TYPES = (
    wire.Registration,
    wire.Credentials,
    wire.RefreshRequest,
    wire.TokenResponse,
    wire.Session,
    wire.User,
    Problem,
    LiveBody,
    ReadyBody,
    NotReadyProblem,
    JwkSet,
)

_DESCRIPTION = """\
Accounts and sessions. In four calls:

1. **Sign up**: `POST /v1/users` with an e-mail address, a username and a password.
2. **Sign in**: `POST /v1/sessions` with either identifier. The answer holds an `access_token` for some minutes and a
   `refresh_token` for the session.
3. **Call**: send `Authorization: Bearer <access_token>`, here and to every service that trusts this one; those verify
   it with `/.well-known/jwks.json` and ask nobody.
4. **Refresh** when the access token runs out: `POST /v1/sessions/refresh`. Each answer brings the next refresh token.
   Keep the newest. The one before it is answered the same again, so that a lost answer costs nothing. An older one
   ends the session: somebody else has a copy.

`DELETE /v1/sessions/current` signs out, at once and for both tokens.

**Errors** are problem documents (RFC 9457). Branch on `code`; `errors` lists every refused field by its JSON pointer.
Unknown fields are refused. 429 and 503 say in `Retry-After` when to come back. All codes: [errors](errors).

**Every answer** has an `X-Request-ID`: yours, if it is up to 64 letters, digits, `-` and `_`, or a new one. Times are
RFC 3339 in UTC. Fields without a value are present as `null`.
"""

_TAGS = [
    Tag(name=accounts.TAG, description="Who a user is."),
    Tag(name=sessions.TAG, description="Who is signed in, and for how long."),
    Tag(name=jwks.TAG, description="For services that trust the access tokens."),
    Tag(name=health.TAG, description="For those who run the service."),
]

_PASSWORD = "tundra oboe lantern marzipan"
_REQUEST_EXAMPLES: dict[str, dict[str, Any]] = {
    # In this order they work on a fresh server. `example.test` can never be anybody's (RFC 6761 6.2).
    "registerUser": {"email": "ada@example.test", "username": "ada", "password": _PASSWORD, "given_name": "Ada"},
    "logIn": {"identifier": "ada@example.test", "password": _PASSWORD},
    "refreshSession": {"refresh_token": "the refresh_token of the last answer"},
}

_REQUEST_ID_HEADER = {"description": "Names the request in the log.", "required": True, "schema": {"type": "string"}}
_CHALLENGE_HEADER = {"description": "RFC 6750 3.", "required": True, "schema": {"type": "string"}}
_RETRY_AFTER_HEADER = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer"}}
_LOCATION_HEADER = {
    "description": "Where the account is read, once signed in.",
    "required": True,
    "schema": {"type": "string", "format": "uri-reference"},
}
_HEADERS_OF_STATUS = {
    "401": {"WWW-Authenticate": _CHALLENGE_HEADER},
    "429": {"Retry-After": _RETRY_AFTER_HEADER},
    "503": {"Retry-After": _RETRY_AFTER_HEADER},
}
_HEADERS_OF_ANSWER = {("registerUser", "201"): {"Location": _LOCATION_HEADER}}


def openapi_config() -> OpenAPIConfig:
    """What the document says of the whole."""
    return OpenAPIConfig(
        title="crm-auth",
        version=API_VERSION,
        summary="The authentication service a CRM runs for itself.",
        description=_DESCRIPTION,
        tags=_TAGS,
        components=Components(security_schemes={BEARER_SCHEME_NAME: BEARER_SCHEME}),
        # Relative to where the document is: right under every mount and behind every proxy.
        servers=[Server(url=".")],
    )


def complete_document(document: dict[str, Any]) -> bytes:
    """The framework's document with what it cannot say, as indented JSON: the same bytes from the same code."""
    _, schemas = schema_components(DOCUMENTED_TYPES, ref_template="#/components/schemas/{name}")
    document["components"]["schemas"] = {name: schemas[name] for name in sorted(schemas)}
    for operation in _operations(document):
        if example := _REQUEST_EXAMPLES.get(operation["operationId"]):
            operation["requestBody"]["content"]["application/json"]["example"] = example
        for status, response in operation["responses"].items():
            response["headers"] = {
                **_HEADERS_OF_ANSWER.get((operation["operationId"], status), {}),
                **_HEADERS_OF_STATUS.get(status, {}),
                "X-Request-ID": _REQUEST_ID_HEADER,
            }
            for content in response.get("content", {}).values():
                for named in content.get("examples", {}).values():
                    # The framework's key of the example, which OpenAPI does not know.
                    del named["id"]
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()
