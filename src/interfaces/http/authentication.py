"""Who calls: the bearer token of a request (RFC 6750), and the routes that cannot be reached without one."""

from collections.abc import Iterable, Sequence
from copy import copy
from string import ascii_letters, digits
from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import SecurityScheme

from application.sessions.ports import AccessTokenVerifier, Caller
from domain.sessions.errors import AuthenticationRequired, InvalidAccessToken

BEARER_SCHEME_NAME = "bearerAuth"
BEARER_SCHEME = SecurityScheme(
    type="http",
    scheme="bearer",
    bearer_format="JWT",
    description="The `access_token` of a TokenResponse. It lives for minutes; refresh the session for another.",
)

CallersRequest = Request[None, Caller, State]
"""The request of a signed-in caller, who is its `auth`. On a route without authentication, `auth` raises."""

_TOKEN68 = (ascii_letters + digits + "-._~+/").encode()


class BearerAuthentication:
    """Turns the bearer token of a request into its `auth`, before the body is read and a use case is made.

    The token is judged by itself; whether its session is live is for the use case to see. This is a hook before the
    request and not one of Litestar's guards, which are handed a copy of the route at every request.
    """

    def __init__(self, verifier: Provide) -> None:
        self._verifier = verifier

    async def __call__(self, request: Request[Any, Any, Any]) -> None:
        """Raises AuthenticationRequired, InvalidAccessToken."""
        text = bearer_token(request.scope["headers"])
        verifier: AccessTokenVerifier = await self._verifier()
        request.scope["auth"] = verifier.verify(text)


def routes_for_callers(handlers: Sequence[HTTPRouteHandler], verifier: Provide) -> list[HTTPRouteHandler]:
    """Routes behind :class:`BearerAuthentication`, which is the only way for a route to get a caller.

    Copies of them, and not one of Litestar's routers around them: a router answers OPTIONS by itself, and the
    framework refuses two answers to it where a path is for callers by one method and for everybody by another.
    """
    authentication = BearerAuthentication(verifier)

    def behind_authentication(handler: HTTPRouteHandler) -> HTTPRouteHandler:
        own = copy(handler)
        own.before_request, own.security = authentication, [{BEARER_SCHEME_NAME: []}]
        return own

    return [behind_authentication(handler) for handler in handlers]


def caller_if_any(headers: Iterable[tuple[bytes, bytes]], verifier: AccessTokenVerifier) -> Caller | None:
    """The caller of a route that can also do without one. Raises InvalidAccessToken for a token that is none."""
    try:
        token = bearer_token(headers)
    except AuthenticationRequired:
        return None
    return verifier.verify(token)


def bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The token of the `Authorization` header; a query or a body is never looked at (RFC 9700 4.3.2).

    Raises AuthenticationRequired when there is none, InvalidAccessToken for more than one and for what cannot be one
    (RFC 6750 2.1).
    """
    given = [value for name, value in headers if name == b"authorization"]
    if not given:
        raise AuthenticationRequired
    if len(given) > 1:
        # H12: which of them counts must not depend on who reads.
        raise InvalidAccessToken
    scheme, _, token = given[0].partition(b" ")
    if scheme.lower() != b"bearer":
        raise AuthenticationRequired
    token = token.strip(b" ")
    unpadded = token.rstrip(b"=")
    if not unpadded or unpadded.translate(None, delete=_TOKEN68):
        raise InvalidAccessToken
    return token.decode("ascii")
