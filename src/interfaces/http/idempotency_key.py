"""The header by which a client may send a request again without its being done again."""

import re
from typing import Any

from litestar import Request

from interfaces.http.problems import INVALID_IDEMPOTENCY_KEY, Refused

HEADER = "Idempotency-Key"
MAX_LENGTH = 255

_KEY = re.compile(r"[!-~]{1,255}")

PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Makes it safe to send the request again when its answer was lost. 1 to 255 visible ASCII"
    " characters that are used for no other request, such as a random UUID. For 24 hours the same key with the same"
    " fields is answered as the first time, and nothing is done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "pattern": "^[!-~]+$"},
}
"""As the OpenAPI document tells it. Without an example, which the docs page would send with every other body too."""


def idempotency_key_of(request: Request[Any, Any, Any]) -> str | None:
    """The key as it was sent, if one was. Raises Refused ``invalid_idempotency_key``."""
    given = [value for name, value in request.scope["headers"] if name == b"idempotency-key"]
    if not given:
        return None
    key = given[0].decode("latin-1")
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise Refused(INVALID_IDEMPOTENCY_KEY, f"One {HEADER} of 1 to {MAX_LENGTH} visible ASCII characters is taken.")
    return key
