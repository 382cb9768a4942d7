"""The documentation page: Swagger UI over the service's own OpenAPI document, with every file in the package.

Nothing is loaded from another host, so the page works with no internet access and no third party can change a
script that sees access tokens (catalogue H13). All URLs are relative: the same page works at `/docs`, under a mount
such as `/auth/docs` and behind a proxy that strips a prefix, without being told which.
"""

from importlib.resources import files
from string import Template
from typing import Any

from litestar import HttpMethod, Request, route
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler

from interfaces.http.docs.static_asset import Representation, StaticAsset, packaged

_SECURITY_HEADERS = {
    # No inline code, no eval, no foreign host, no frame: what a hostile description or answer could inject does
    # not run and has nowhere to send the tokens that the page holds. `data:` images are the icons of Swagger UI,
    # `blob:` ones the photos that it has fetched and shows.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "font-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # No window of another origin keeps a handle on a page that holds tokens.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_REVALIDATE = "no-cache"
_IMMUTABLE = "public, max-age=31536000, immutable"

_ASSETS = {
    "docs.css": packaged(__name__, "docs.css", "text/css; charset=utf-8"),
    "docs.js": packaged(__name__, "docs.js", "text/javascript; charset=utf-8"),
    "favicon.svg": packaged(__name__, "favicon.svg", "image/svg+xml"),
    "swagger-ui-bundle.min.js": packaged(__name__, "swagger-ui-bundle.min.js", "text/javascript; charset=utf-8"),
    "swagger-ui.min.css": packaged(__name__, "swagger-ui.min.css", "text/css; charset=utf-8"),
}


def documentation_routes() -> list[ControllerRouterHandler]:
    """`/` (leads to the page), `/docs` and its assets, for GET and HEAD, kept out of the OpenAPI document.

    The application serves `/openapi.json` beside them. Leaving these routes out switches the page off.
    """
    return [lead_to_docs, docs_page, docs_asset]


@route("/", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False, sync_to_thread=False)
def lead_to_docs(request: Request[Any, Any, Any]) -> ASGIResponse:
    """307 to the page. The Location is relative (RFC 9110, 10.2.2): no Host header finds its way into it."""
    path = _received_path(request)
    # Under a mount reached without its last slash (`/auth`), a bare "docs" would leave the mount.
    # The "./" keeps a segment with a colon from being read as a scheme.
    return _redirect("./docs" if path.endswith("/") else f"./{path.rpartition('/')[2]}/docs")


@route("/docs", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False, sync_to_thread=True)
def docs_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The page. `/docs/` is sent to `/docs`, because the page's relative URLs are right for one of the two only."""
    if _received_path(request).endswith("/"):
        return _redirect("../docs")
    return _answer(request, _PAGE, _REVALIDATE)


@route(
    "/docs/assets/{name:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    include_in_schema=False,
    # Compressing the bundle for the first client takes some 70 ms, which do not belong on the event loop.
    sync_to_thread=True,
)
def docs_asset(request: Request[Any, Any, Any], name: FromPath[str]) -> ASGIResponse:
    """One asset. Cached for a year only under the URL that names its content, so that an upgrade is seen at once.

    Raises NotFoundException for any name that is not in the table.
    """
    asset = _ASSETS.get(name)
    if asset is None:
        raise NotFoundException
    return _answer(request, asset, _IMMUTABLE if request.query_params.get("v") == asset.digest else _REVALIDATE)


def _received_path(request: Request[Any, Any, Any]) -> str:
    """The path as the client sent it, percent-encoded: the router has normalised the one in `scope["path"]`.

    `raw_path` is optional in ASGI but every server in use gives it; without it a last slash goes unseen.
    """
    raw = request.scope.get("raw_path")
    return raw.decode("latin-1") if raw else request.scope.get("root_path", "") + request.scope["path"]


def _redirect(location: str) -> ASGIResponse:
    return ASGIResponse(status_code=307, headers={**_SECURITY_HEADERS, "Location": location}, media_type="text/plain")


def _answer(request: Request[Any, Any, Any], asset: StaticAsset, cache_control: str) -> ASGIResponse:
    """200, or 304 when the client holds this representation."""
    representation = asset.negotiated(request.headers.get("accept-encoding", ""))
    headers = {
        **_SECURITY_HEADERS,
        "Cache-Control": cache_control,
        "ETag": representation.etag,
        "Vary": "Accept-Encoding",
    }
    if representation.matches(request.headers.get("if-none-match", "")):
        return ASGIResponse(status_code=304, headers=headers)
    headers |= _content_headers(asset, representation)
    if request.method == HttpMethod.HEAD:
        return ASGIResponse(headers=headers, is_head_response=True)
    return ASGIResponse(body=representation.body, headers=headers, media_type=asset.media_type)


def _content_headers(asset: StaticAsset, representation: Representation) -> dict[str, str]:
    headers = {"Content-Type": asset.media_type, "Content-Length": str(len(representation.body))}
    return headers | ({"Content-Encoding": representation.coding} if representation.coding else {})


def _render_page() -> bytes:
    template = Template(files(__name__).joinpath("assets", "page.html").read_text(encoding="utf-8"))
    urls = {
        name.replace(".", "_").replace("-", "_"): f"docs/assets/{name}?v={asset.digest}"
        for name, asset in _ASSETS.items()
    }
    return template.substitute(urls).encode()


_PAGE = StaticAsset("text/html; charset=utf-8", _render_page)
