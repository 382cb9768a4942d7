"""How the token of a device comes and goes: as a cookie, and as a header for clients without cookies.

It opens nothing by itself. The cookie is out of reach of scripts, so that a page which is made to run foreign ones
does not give away by what a device is known.
"""

from collections.abc import Iterable

from application.sessions.ports import IssuedDeviceToken

COOKIE = "__Host-crm_auth_device"
HEADER = "X-Device-Token"

_MAX_LENGTH = 128

PARAMETERS = (
    {
        "name": HEADER,
        "in": "header",
        "description": "The token of the last sign-in on this device, for clients without cookies. A device that is"
        " known to the account has attempts of its own. One that is not is as good as none, and never an error.",
        "schema": {"type": "string"},
    },
    {
        "name": COOKIE,
        "in": "cookie",
        "description": "The same. If both are there, the header counts.",
        "schema": {"type": "string"},
    },
)


def device_token_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """What the request has; ``None`` also for several headers, because it must not depend on who reads (H12)."""
    given = [value for name, value in headers if name == b"x-device-token"]
    if not given:
        given = [value for name, cookies in headers if name == b"cookie" for value in _cookies(cookies)]
    if len(given) != 1 or len(given[0]) > _MAX_LENGTH:
        return None
    return given[0].decode("latin-1")


def device_headers(token: IssuedDeviceToken | None) -> dict[str, str]:
    """The fields of an answer by which the device is told."""
    if token is None:
        return {}
    cookie = f"{COOKIE}={token.text}; Path=/; Max-Age={token.expires_in}; HttpOnly; Secure; SameSite=Lax"
    return {HEADER: token.text, "Set-Cookie": cookie}


def _cookies(field: bytes) -> list[bytes]:
    pairs = (pair.strip().partition(b"=") for pair in field.split(b";"))
    return [value for name, _, value in pairs if name == COOKIE.encode()]
