"""The OpenAPI document over HTTP."""

from collections.abc import Callable
from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from interfaces.http.docs.static_asset import StaticAsset


def openapi_route(document: Callable[[], bytes]) -> HTTPRouteHandler:
    """`GET /openapi.json`, made when first asked for and sent again only to who does not have it."""
    asset = StaticAsset("application/json", document)

    # The document takes long enough to make that it does not belong on the event loop.
    @get("/openapi.json", include_in_schema=False, sync_to_thread=True)
    def serve_openapi_document(request: Request[Any, Any, Any]) -> ASGIResponse:
        representation = asset.negotiated(request.headers.get("accept-encoding", ""))
        headers = {"Cache-Control": "no-cache", "ETag": representation.etag, "Vary": "Accept-Encoding"}
        if representation.matches(request.headers.get("if-none-match", "")):
            return ASGIResponse(status_code=304, headers=headers)
        if representation.coding:
            headers["Content-Encoding"] = representation.coding
        return ASGIResponse(body=representation.body, media_type=asset.media_type, headers=headers)

    return serve_openapi_document
