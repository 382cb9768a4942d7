"""Answers in JSON, by the shortest way from a struct to the wire."""

from typing import Any, TypeVar, cast

from litestar import Litestar, Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from msgspec import json

T = TypeVar("T")


class JsonResponse(Response[T]):
    """The application's response class: what a handler returns, encoded, with a status and plain headers.

    Litestar's own way builds two objects and a mapping of headers for what is two messages; it took two fifths of
    all that the framework costs a request. Answers with cookies or background tasks still go that way.
    """

    def to_asgi_response(
        self,
        app: Litestar | None,
        request: Request[Any, Any, Any],
        *,
        headers: dict[str, str] | None = None,
        media_type: str | None = None,
        status_code: int | None = None,
        **more: Any,
    ) -> ASGIResponse:
        """An ASGI application, which is all that the framework uses of it."""
        if self.cookies or self.background or any(more.values()):
            return super().to_asgi_response(
                app, request, headers=headers, media_type=media_type, status_code=status_code, **more
            )
        encoded: list[tuple[bytes, bytes]] = []
        body = b""
        if self.content is not None:
            body = json.encode(self.content)
            content_type = self.media_type or media_type or "application/json"
            encoded.append((b"content-type", str(content_type).encode("latin-1")))
            encoded.append((b"content-length", b"%d" % len(body)))
        for name, value in {**(headers or {}), **self.headers}.items():
            encoded.append((name.lower().encode("latin-1"), str(value).encode("latin-1")))
        return cast("ASGIResponse", _Encoded(self.status_code or status_code or 200, encoded, body))


class _Encoded:
    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._status = status
        self._headers = headers
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


class EmptyResponse(JsonResponse[Any]):
    """An answer without a body, and so without a media type, of a route whose other answers have one."""

    def __init__(self, status_code: int) -> None:
        super().__init__(None, status_code=status_code)

    def to_asgi_response(
        self,
        app: Litestar | None,
        request: Request[Any, Any, Any],
        *,
        headers: dict[str, str] | None = None,
        status_code: int | None = None,
        **_more: Any,
    ) -> ASGIResponse:
        """The same, whatever the route would encode a body with."""
        return super().to_asgi_response(app, request, headers=headers, status_code=status_code)
