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

from interfaces.http import (
    accounts,
    device_token,
    health,
    idempotency_key,
    jwks,
    rate_limit_fields,
    recovery,
    sessions,
    wire,
)
from interfaces.http.authentication import BEARER_SCHEME, BEARER_SCHEME_NAME
from interfaces.http.bodies import JSON, MERGE_PATCH
from interfaces.http.health import LiveBody, NotReadyProblem, ReadyBody
from interfaces.http.jwks import JwkSet
from interfaces.http.multipart import FORM_MEDIA_TYPE
from interfaces.http.openapi_links import links_of
from interfaces.http.problems import Problem
from interfaces.http.queries import CURSOR_PATTERN, DEFAULT_LIMIT, MAX_LIMIT
from interfaces.http.uploads import PHOTO_MEDIA_TYPES

API_VERSION = "1.0.0"

DOCUMENTED_TYPES = (
    wire.Registration,
    wire.ProfileChange,
    wire.Credentials,
    wire.RefreshRequest,
    wire.PasswordChange,
    wire.AccountDeletion,
    wire.AccountExport,
    wire.HeldSession,
    wire.HeldCredential,
    wire.HeldToken,
    wire.HeldEvent,
    wire.MailRequest,
    wire.EmailChange,
    wire.LinkToken,
    wire.EmailVerification,
    wire.PasswordReset,
    wire.TokenResponse,
    wire.Session,
    wire.SessionPage,
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

`DELETE /v1/sessions/current` signs out, at once and for both tokens. `GET /v1/sessions` lists where you are signed in;
`DELETE` ends one of them, the others, or all.

**Errors** are problem documents (RFC 9457). Branch on `code`; `errors` lists every refused field by its JSON pointer.
Unknown fields are refused. 429 and 503 say in `Retry-After` when to come back. All codes: [errors](errors).

**Every answer** has an `X-Request-ID`: yours, if it is up to 64 letters, digits, `-` and `_`, or a new one. Times are
RFC 3339 in UTC. Fields without a value are present as `null`.
"""

_TAGS = [
    Tag(name=accounts.TAG, description="Who a user is."),
    Tag(name=sessions.TAG, description="Who is signed in, and for how long."),
    Tag(name=recovery.TAG, description="Getting back in without the password."),
    Tag(name=jwks.TAG, description="For services that trust the access tokens."),
    Tag(name=health.TAG, description="For those who run the service."),
]

_PASSWORD = "tundra oboe lantern marzipan"
_NEXT_PASSWORD = "saffron ladder orbit velvet"
_REQUEST_EXAMPLES: dict[str, dict[str, Any]] = {
    # In this order they work on a fresh server. `example.test` can never be anybody's (RFC 6761 6.2).
    "registerUser": {"email": "ada@example.test", "username": "ada", "password": _PASSWORD, "given_name": "Ada"},
    "logIn": {"identifier": "ada@example.test", "password": _PASSWORD},
    "changeProfile": {"display_name": "Countess of Lovelace", "phone_number": "+44 20 7946 0123", "locale": "en-GB"},
    "changePassword": {"current_password": _PASSWORD, "new_password": _NEXT_PASSWORD},
    "requestEmailChange": {"new_email": "countess@example.test", "password": _NEXT_PASSWORD},
    "deleteAccount": {"password": _NEXT_PASSWORD},
    "requestPasswordReset": {"email": "ada@example.test"},
    "requestEmailVerification": {"email": "ada@example.test"},
    "rejectEmailVerification": {"token": "the token of the link"},
    "confirmEmailVerification": {"token": "the token of the link", "password": _PASSWORD},
    "confirmPasswordReset": {"token": "the token of the link", "new_password": _NEXT_PASSWORD},
    "refreshSession": {"refresh_token": "the refresh_token of the last answer"},
}

_PARAMETERS: dict[str, tuple[dict[str, Any], ...]] = {
    # The routes read them strictly, by themselves, so the framework does not know of them.
    "registerUser": (idempotency_key.PARAMETER,),
    "logIn": device_token.PARAMETERS,
    "confirmEmailVerification": device_token.PARAMETERS,
    "listSessions": (
        {
            "name": "limit",
            "in": "query",
            "description": "How many items at most.",
            "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        },
        {
            "name": "cursor",
            "in": "query",
            "description": "The `next_cursor` of the page before.",
            "schema": {"type": "string", "pattern": f"^{CURSOR_PATTERN}$"},
        },
    ),
    "viewPhoto": (
        {
            "name": "size",
            "in": "query",
            "description": "Width and height in pixels.",
            "schema": {"type": "integer", "enum": [64, 256, 512], "default": 512},
        },
    ),
    "endAllSessions": (
        {
            "name": "except",
            "in": "query",
            "description": "`current` keeps the session that you are in.",
            "schema": {"type": "string", "enum": ["current"]},
        },
    ),
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
_DISPOSITION_HEADER = {
    "description": "Has a browser save the answer, under a name with the day.",
    "required": True,
    "schema": {"type": "string"},
}
_ETAG_HEADER = {"description": "Of this size of this photo.", "required": True, "schema": {"type": "string"}}
_CACHE_HEADER = {
    "description": "`private, max-age=300`: a browser may keep it for five minutes, and nothing between.",
    "required": True,
    "schema": {"type": "string"},
}
_HEADERS_OF_PHOTO = {"ETag": _ETAG_HEADER, "Cache-Control": _CACHE_HEADER}
_HEADERS_OF_NEW_DEVICE = {
    device_token.HEADER: {
        "description": "By it this device is known at the next sign-in.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Set-Cookie": {
        "description": f"The same as `{device_token.COOKIE}`, for browsers.",
        "required": True,
        "schema": {"type": "string"},
    },
}
_HEADERS_OF_ANSWER = {
    ("logIn", "201"): _HEADERS_OF_NEW_DEVICE,
    ("changePassword", "200"): _HEADERS_OF_NEW_DEVICE,
    ("registerUser", "201"): {"Location": _LOCATION_HEADER},
    ("registerUser", "409"): {"Retry-After": {**_RETRY_AFTER_HEADER, "required": False}},
    ("exportAccount", "200"): {"Content-Disposition": _DISPOSITION_HEADER},
    ("viewPhoto", "200"): _HEADERS_OF_PHOTO,
    ("viewPhoto", "304"): _HEADERS_OF_PHOTO,
}

_FILE = {"type": "string", "format": "binary"}
"""By JSON Schema 2020-12 an empty schema would do; it is by this that pages and generators offer a file."""
_PHOTO_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"photo": {**_FILE, "description": "A JPEG, PNG or WebP picture of 5 MiB at most."}},
    "required": ["photo"],
    "additionalProperties": False,
}
_FORM_ENCODING = {"photo": {"contentType": ", ".join(PHOTO_MEDIA_TYPES)}}
_BINARY_BODIES: dict[str, dict[str, Any]] = {
    "setPhoto": {
        # First what can be tried by hand with any of the three types.
        FORM_MEDIA_TYPE: {
            "schema": _PHOTO_FORM,
            "encoding": _FORM_ENCODING,
        },
        **{media_type: {"schema": _FILE} for media_type in PHOTO_MEDIA_TYPES},
    },
}


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
        if bodies := _bodies_of(operation["operationId"], schemas):
            operation["requestBody"] = {"required": True, "content": bodies}
        if example := _REQUEST_EXAMPLES.get(operation["operationId"]):
            operation["requestBody"]["content"][JSON]["example"] = example
        if parameters := _PARAMETERS.get(operation["operationId"]):
            operation["parameters"] = [*operation.get("parameters", ()), *parameters]
        if operation["operationId"] == "changeProfile":
            content = operation["requestBody"]["content"]
            content[MERGE_PATCH] = content[JSON]
        for status, response in operation["responses"].items():
            _complete_response(operation["operationId"], status, response, is_limited="429" in operation["responses"])
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _complete_response(operation_id: str, status: str, response: dict[str, Any], *, is_limited: bool) -> None:
    response["headers"] = {
        **_HEADERS_OF_ANSWER.get((operation_id, status), {}),
        **_HEADERS_OF_STATUS.get(status, {}),
        **(rate_limit_fields.DOCUMENTED if is_limited else {}),
        "X-Request-ID": _REQUEST_ID_HEADER,
    }
    if links := links_of(operation_id, status):
        response["links"] = links
    for media_type, content in response.get("content", {}).items():
        if media_type.startswith("image/"):
            content["schema"] = _FILE
        for named in content.get("examples", {}).values():
            # The framework's key of the example, which OpenAPI does not know.
            del named["id"]


def _bodies_of(operation_id: str, schemas: dict[str, Any]) -> dict[str, Any] | None:
    """By media type, for routes that read what they are sent by themselves."""
    if operation_id == "registerUser":
        form = {"schema": _sign_up_form(schemas["Registration"]), "encoding": _FORM_ENCODING}
        return {JSON: {"schema": {"$ref": "#/components/schemas/Registration"}}, FORM_MEDIA_TYPE: form}
    return _BINARY_BODIES.get(operation_id)


def _sign_up_form(schema: dict[str, Any]) -> dict[str, Any]:
    """The same fields as texts, and a file. Nothing in a form is `null`, and pages prefill each input by itself."""
    properties = {}
    for name, field in schema["properties"].items():
        is_required = name in schema["required"]
        dropped = {"anyOf", "default"} if is_required else {"anyOf", "default", "minLength"}
        kept = {key: value for key, value in field.items() if key not in dropped}
        # What is empty counts as left out, which pages would fill in with an example of their own if nothing was told.
        empty = {} if is_required else {"default": ""}
        example = _REQUEST_EXAMPLES["registerUser"].get(name)
        properties[name] = {"type": "string", **kept, **({"example": example} if example else empty)}
    return {**schema, "title": "RegistrationForm", "properties": properties | _PHOTO_FORM["properties"]}


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()
