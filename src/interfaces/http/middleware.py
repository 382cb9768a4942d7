"""The edge of the application: what every answer carries, and one line in the log for each."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from time import perf_counter
from typing import cast

import structlog
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)
from msgspec import Struct, json
from msgspec.structs import asdict

from application.ports import ASKER
from interfaces.http.allowed_hosts import AllowedHosts
from interfaces.http.client_address import ClientAddress
from interfaces.http.other_origins import Headers, OtherOrigins
from interfaces.http.problems import (
    HOST_NOT_ALLOWED,
    INTERNAL_ERROR,
    PROBLEM_MEDIA_TYPE,
    ProblemType,
    problem_document,
)
from interfaces.http.rate_limit_fields import rate_limit_fields
from interfaces.http.request_context import RequestContext, route_path
from interfaces.http.sender import Pace, Sender

DEFAULT_HEADERS: Headers = [
    # H05: an answer of an API is no document. Whatever a browser is made to see in one, it runs and frames nothing.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # H06: what does not say otherwise may hold tokens or personal data.
    (b"cache-control", b"no-store"),
]
_STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")

_SLICE_BYTES = 64 * 1024
"""What is sent of an answer before its reader is waited for again. Servers wait before they take a part and never
behind one, so all of a large answer would be kept for each connection that asks and does not read (D04)."""

_METHOD = re.compile(r"[A-Z]{1,16}")

_log: structlog.stdlib.BoundLogger = structlog.get_logger("crm_auth.http")


class AccessRecord(Struct, frozen=True, kw_only=True):
    """One request that was answered.

    Nothing that the client sent is in it, be it a query, header or body (G02, G03): `path` is as its route spells
    it, and `unmatched` where no route has it, for somebody may have put a token into it. `status` is None when no
    answer was begun.
    """

    method: str
    path: str
    status: int | None
    duration_ms: float
    request_id: str


AccessLog = Callable[[AccessRecord], None]

Measure = Callable[[str, str, int | None, float], None]
"""Told of every request by method, path, status and seconds; the first two as in an AccessRecord, and few."""

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Those that are told apart in measures: a client may invent any number of others."""


See = Callable[[Scope], None]
"""Shown every request before it is answered."""


def see_nothing(scope: Scope) -> None:
    """For those who do not look."""


def measure_nothing(method: str, path: str, status: int | None, seconds: float) -> None:
    """For those who do not count."""


def log_access(record: AccessRecord) -> None:
    """To the log of everything else."""
    _log.info("request", **asdict(record))


class EdgeMiddleware:
    """The outermost layer, around the router too, so that unknown routes and failures pass it like all else.

    Makes the request's context, refuses names that are not the service's, answers HEAD as GET without its content
    (RFC 9110 9.3.2), adds the headers that the answer did not set itself, and logs the request once it is answered.
    `methods` are those of each path as the routes spell it; `public_url` is where clients reach the service: by TLS,
    browsers are to insist on that.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        methods: Mapping[str, Collection[str]],
        client_address: ClientAddress,
        public_url: str,
        access_log: AccessLog | None,
        measure: Measure = measure_nothing,
        allowed_hosts: AllowedHosts | None = None,
        other_origins: OtherOrigins | None = None,
        pace: Pace | None = None,
        see: See = see_nothing,
    ) -> None:
        self._app = app
        self._methods = methods
        self._client_address = client_address
        self._access_log = access_log
        self._measure = measure
        self._see = see
        self._public_url = public_url
        self._allowed_hosts = allowed_hosts or AllowedHosts()
        self._other_origins = other_origins or None
        self._pace = pace or Pace()
        https = public_url.startswith("https:")
        self._default_headers = [*DEFAULT_HEADERS, *([_STRICT_TRANSPORT_SECURITY] if https else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; anything but HTTP passes untouched."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"]
        self._see(scope)
        context = RequestContext(scope, self._client_address, self._public_url)
        if method == "HEAD":
            scope = cast("Scope", {**scope, "method": "GET"})
        headers = [*self._default_headers, (b"x-request-id", context.request_id.encode())]
        answer = _Answer(send, headers, context, is_head=method == "HEAD", allowed=partial(self._allowed, scope))
        if self._other_origins is not None:
            answer.granted = partial(self._other_origins.headers_for, cast("HTTPScope", scope))
        sender = Sender(scope, receive, self._pace)
        ASKER.set(sender)
        try:
            if self._allowed_hosts.admit(scope):
                await self._app(scope, sender.receive, answer.send)
            else:
                await answer.send_problem(HOST_NOT_ALLOWED, context)
        except Exception:
            _log.exception("request_failed", request_id=context.request_id, path=route_path(scope))
            if answer.status is not None:
                # Half an answer is out. Only the server can still show that it is not whole.
                raise
            await answer.send_problem(INTERNAL_ERROR, context)
        finally:
            seconds = perf_counter() - started
            path = self._logged_path(scope)
            self._measure(method if method in _METHODS else "other", path, answer.status, seconds)
            if self._access_log:
                self._access_log(_record(method, path, context, answer.status, seconds))
            context.let_go()

    def _logged_path(self, scope: Scope) -> str:
        """Of a path that is ours, and was asked for by a method that is not, the router does not tell the route."""
        return scope["path"] if scope["path"] in self._methods else route_path(scope)

    def _allowed(self, scope: Scope, given: str) -> str:
        """The value of `Allow`: with HEAD, which is answered here, and with all methods of a path.

        The framework answers OPTIONS with the methods of the route that was registered first.
        """
        methods = set(self._methods.get(route_path(scope), given.split(", ")))
        return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


class _Answer:
    """The answer to one request on its way out; `status` is None until it starts."""

    __slots__ = ("_allowed", "_context", "_headers", "_is_head", "_send", "granted", "status")

    def __init__(
        self, send: Send, headers: Headers, context: RequestContext, *, is_head: bool, allowed: Callable[[str], str]
    ) -> None:
        self._send = send
        self._context = context
        self._headers = headers
        self._is_head = is_head
        self._allowed = allowed
        self.status: int | None = None
        self.granted: Callable[[Headers], Headers] | None = None
        """What is added for pages of other origins."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._complete(message)
        elif message["type"] == "http.response.body":
            if self._is_head:
                message["body"] = b""
            elif len(message["body"]) > _SLICE_BYTES:
                await self._send_in_slices(message)
                return
        await self._send(message)

    async def _send_in_slices(self, message: HTTPResponseBodyEvent) -> None:
        body, more = message["body"], message["more_body"]
        # Parts of one page are then shared by all who ask for it. ASGI itself knows bytes alone.
        source = memoryview(body) if self._context.server_takes_views else body
        for start in range(0, len(body), _SLICE_BYTES):
            end = start + _SLICE_BYTES
            part = cast("bytes", source[start:end])
            await self._send({"type": "http.response.body", "body": part, "more_body": more or end < len(body)})

    async def send_problem(self, problem: ProblemType, context: RequestContext) -> None:
        """For what does not reach the exception handlers, and for a failure that they did not survive."""
        body = json.encode(problem_document(problem, context))
        headers = [
            (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def _complete(self, start: HTTPResponseStartEvent) -> None:
        given = list(start["headers"])
        names = {name for name, _ in given}
        if b"allow" in names:
            given = [
                (name, self._allowed(value.decode()).encode() if name == b"allow" else value) for name, value in given
            ]
        granted = self.granted(given) if self.granted else []
        told = rate_limit_fields(self._context.quota) if self._context.quota else []
        own = [header for header in self._headers if header[0] not in names]
        start["headers"] = [*given, *told, *own, *granted]


def _record(method: str, path: str, context: RequestContext, status: int | None, seconds: float) -> AccessRecord:
    return AccessRecord(
        method=method if _METHOD.fullmatch(method) else "other",
        path=path,
        status=status,
        duration_ms=round(seconds * 1000, 3),
        request_id=context.request_id,
    )
