"""Pages of other origins that may use the service: the CORS protocol of the Fetch standard (H04)."""

from collections.abc import Collection, Iterable

from litestar.types import HTTPScope

Headers = list[tuple[bytes, bytes]]

_VARY: Headers = [(b"vary", b"origin")]
_EXPOSED = b"x-request-id, retry-after, ratelimit, ratelimit-policy, x-device-token, location, etag"
"""What a script may read besides the body; the few that it may read of any answer are not named."""
_ASKED_WITH = b"authorization, content-type, idempotency-key, if-none-match, x-device-token, x-request-id"
_PREFLIGHT_SECONDS = b"600"
"""How long a browser may go by a preflight: an origin that was taken off the list stops within that time."""


class OtherOrigins:
    """The origins that an operator lets in, by default none; compared byte by byte with what a browser sends.

    `*` and `null` are never answered: the one is everybody, and the other is every sandboxed frame and local file. A
    listed origin may send credentials, for whoever lists it trusts it with the accounts of its visitors.
    """

    def __init__(self, origins: Collection[str] = ()) -> None:
        self._origins = frozenset(origin.encode("ascii") for origin in origins)

    def __bool__(self) -> bool:
        """Whether there is any; if not, no answer needs anything."""
        return bool(self._origins)

    def headers_for(self, scope: HTTPScope, answer: Headers) -> Headers:
        """What an answer carries besides; a preflight is told the methods that `Allow` names.

        `Vary` is on every answer, so that no cache hands one origin what another was given.
        """
        origin = _only(b"origin", scope["headers"])
        if origin not in self._origins or origin is None:
            return _VARY
        granted = [*_VARY, (b"access-control-allow-origin", origin), (b"access-control-allow-credentials", b"true")]
        if scope["method"] != "OPTIONS" or _only(b"access-control-request-method", scope["headers"]) is None:
            return [*granted, (b"access-control-expose-headers", _EXPOSED)]
        return [
            *granted,
            *((b"access-control-allow-methods", value) for name, value in answer if name == b"allow"),
            (b"access-control-allow-headers", _ASKED_WITH),
            (b"access-control-max-age", _PREFLIGHT_SECONDS),
        ]


def _only(wanted: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The value of a header that is there once: of two, nobody can tell which the browser meant (H12)."""
    given = [value for name, value in headers if name == wanted]
    return given[0] if len(given) == 1 else None
