"""Pages for people who come by a link: they work without script, hold no secret but the link's, and look like one.

Links that are mailed or handed over lead here. Opening one changes nothing, for scanners of mail open it too (P09);
the page has a form that posts. All URLs in a page are relative, so it works under every mount.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jinja2 import DictLoader, Environment, StrictUndefined
from litestar import HttpMethod, MediaType, Request, route
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from interfaces.http.docs.static_asset import packaged
from interfaces.http.pages.texts import Texts
from interfaces.http.problems import BAD_REQUEST, UNSUPPORTED_MEDIA_TYPE, Refused
from interfaces.http.request_context import context_of

_HEADERS = {
    # No script at all, no inline style, no foreign host, no frame, and a form that posts to us alone (H05).
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    # The address of the page holds a token: no other page and no asset of this one is told it.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 8

_ASSETS = {
    "page.css": packaged(__name__, "page.css", "text/css; charset=utf-8"),
    "favicon.svg": packaged("interfaces.http.docs", "favicon.svg", "image/svg+xml"),
}
_TEMPLATES = (
    "layout.html",
    "password_reset.html",
    "email_verification.html",
    "email_rejection.html",
    "account_freeze.html",
)


def page(
    template: str, texts: Texts, *, status: int = 200, retry_after: int | None = None, **values: Any
) -> ASGIResponse:
    """A page for a person, in the language of its texts."""
    assets = {name.partition(".")[0]: f"pages/assets/{name}?v={asset.digest}" for name, asset in _ASSETS.items()}
    body = _environment().get_template(template).render(t=texts, assets=assets, **values)
    headers = _HEADERS | ({} if retry_after is None else {"Retry-After": str(retry_after)})
    return ASGIResponse(body=body.encode(), status_code=status, media_type=MediaType.HTML, headers=headers)


def redirect(path: str) -> ASGIResponse:
    """On to another page of ours, by GET (RFC 9110 15.4.4), and relative: a form may lead to its own site only."""
    headers = _HEADERS | {"Location": path.removeprefix("/")}
    return ASGIResponse(body=b"", status_code=303, media_type=MediaType.HTML, headers=headers)


@route("/pages/assets/{name:str}", http_method=[HttpMethod.GET], include_in_schema=False, sync_to_thread=True)
def page_asset(request: Request[Any, Any, Any], name: FromPath[str]) -> ASGIResponse:
    """What the pages are made of, known by the digest of its content. Raises NotFoundException for any other name."""
    asset = _ASSETS.get(name)
    if asset is None:
        raise NotFoundException
    representation = asset.negotiated(request.headers.get("accept-encoding", ""))
    kept = "public, max-age=31536000, immutable" if request.query_params.get("v") == asset.digest else "no-cache"
    headers = {"Cache-Control": kept, "ETag": representation.etag, "Vary": "Accept-Encoding"}
    if representation.coding:
        headers["Content-Encoding"] = representation.coding
    return ASGIResponse(body=representation.body, media_type=asset.media_type, headers=headers)


async def read_form(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    """The fields of a form that one of our pages posts, each once. Raises Refused."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_MEDIA_TYPE:
        raise Refused(UNSUPPORTED_MEDIA_TYPE, f"The body is read as {_FORM_MEDIA_TYPE} only.")
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise Refused(BAD_REQUEST, "The body is not a form.") from None
    fields = dict(pairs)
    if not fields or len(fields) != len(pairs):
        raise Refused(BAD_REQUEST, "The form is empty or has a field twice.")
    return fields


def is_from_another_site(request: Request[Any, Any, Any]) -> bool:
    """Whether a browser says that another site's page posted this (A3.5.1).

    Our pages send no referrer, so a browser that does not tell `Sec-Fetch-Site` tells `Origin: null` of them too. Then
    nothing is known, and what protects is the token in the form, which no other site has.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin", "null")
    parts = urlsplit(context_of(request).public_url)
    return origin not in {"null", f"{parts.scheme}://{parts.netloc}"}


@cache
def _environment() -> Environment:
    """Values are escaped, and one that is missing is an error rather than nothing."""
    folder = files(__name__).joinpath("templates")
    sources = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _TEMPLATES}
    return Environment(loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
