"""The edge of the application: what every answer carries, and one line in the log for each."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from time import perf_counter
from typing import cast

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send
from msgspec import Struct, json
from msgspec.structs import asdict

from interfaces.http.client_address import ClientAddress
from interfaces.http.problems import INTERNAL_ERROR, PROBLEM_MEDIA_TYPE, problem_document
from interfaces.http.request_context import RequestContext

Headers = list[tuple[bytes, bytes]]

_DEFAULT_HEADERS: Headers = [
    # H05: an answer of an API is no document. Whatever a browser is made to see in one, it runs and frames nothing.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # H06: what does not say otherwise may hold tokens or personal data.
    (b"cache-control", b"no-store"),
]
_STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")

_METHOD = re.compile(r"[A-Z]{1,16}")
_LOGGED_PATH_MAX_LENGTH = 256

_log: structlog.stdlib.BoundLogger = structlog.get_logger("crm_auth.http")


class AccessRecord(Struct, frozen=True, kw_only=True):
    """One request that was answered.

    No query, header or body is in it. A path is that of the route; one that no route has is as the client sent it,
    percent-encoded and cut, so that it forges no line (G02, G03). `status` is None when no answer was begun.
    """

    method: str
    path: str
    status: int | None
    duration_ms: float
    request_id: str


AccessLog = Callable[[AccessRecord], None]


def log_access(record: AccessRecord) -> None:
    """To the log of everything else."""
    _log.info("request", **asdict(record))


class EdgeMiddleware:
    """The outermost layer, around the router too, so that unknown routes and failures pass it like all else.

    Makes the request's context, answers HEAD as GET without its content (RFC 9110 9.3.2), adds the headers that the
    answer did not set itself, and logs the request once it is answered. `methods` are those of each path as the
    routes spell it; `https` says that browsers reach the service by TLS and are to insist on it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        methods: Mapping[str, Collection[str]],
        client_address: ClientAddress,
        https: bool,
        access_log: AccessLog | None,
    ) -> None:
        self._app = app
        self._methods = methods
        self._client_address = client_address
        self._access_log = access_log
        self._default_headers = [*_DEFAULT_HEADERS, *([_STRICT_TRANSPORT_SECURITY] if https else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; anything but HTTP passes untouched."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"]
        context = RequestContext(scope, self._client_address)
        if method == "HEAD":
            scope = cast("Scope", {**scope, "method": "GET"})
        headers = [*self._default_headers, (b"x-request-id", context.request_id.encode())]
        answer = _Answer(send, headers, is_head=method == "HEAD", allowed=partial(self._allowed, scope))
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            _log.exception("request_failed", request_id=context.request_id, path=context.path)
            if answer.status is not None:
                # Half an answer is out. Only the server can still show that it is not whole.
                raise
            await answer.send_internal_error(context)
        finally:
            if self._access_log:
                self._access_log(_record(method, scope, context, answer.status, perf_counter() - started))

    def _allowed(self, scope: Scope, given: str) -> str:
        """The value of `Allow`: with HEAD, which is answered here, and with all methods of a path.

        The framework answers OPTIONS with the methods of the route that was registered first.
        """
        methods = set(self._methods.get(_path_template(scope) or "", given.split(", ")))
        return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


class _Answer:
    """The answer to one request on its way out; `status` is None until it starts."""

    __slots__ = ("_allowed", "_headers", "_is_head", "_send", "status")

    def __init__(self, send: Send, headers: Headers, *, is_head: bool, allowed: Callable[[str], str]) -> None:
        self._send = send
        self._headers = headers
        self._is_head = is_head
        self._allowed = allowed
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._complete(message)
        elif self._is_head and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)

    async def send_internal_error(self, context: RequestContext) -> None:
        """For a failure that even the exception handlers did not survive."""
        body = json.encode(problem_document(INTERNAL_ERROR, context))
        headers = [
            (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await self.send({"type": "http.response.start", "status": INTERNAL_ERROR.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def _complete(self, start: HTTPResponseStartEvent) -> None:
        given = list(start["headers"])
        names = {name for name, _ in given}
        if b"allow" in names:
            given = [
                (name, self._allowed(value.decode()).encode() if name == b"allow" else value) for name, value in given
            ]
        start["headers"] = given + [header for header in self._headers if header[0] not in names]


def _path_template(scope: Scope) -> str | None:
    """The path as its route spells it, once the router has found one."""
    return cast("dict[str, str]", scope).get("path_template")


def _record(method: str, scope: Scope, context: RequestContext, status: int | None, seconds: float) -> AccessRecord:
    return AccessRecord(
        method=method if _METHOD.fullmatch(method) else "other",
        path=_path_template(scope) or context.path[:_LOGGED_PATH_MAX_LENGTH],
        status=status,
        duration_ms=round(seconds * 1000, 3),
        request_id=context.request_id,
    )
