"""The page where whoever has an account's old address puts an end to what goes on in it."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response.base import ASGIResponse

from application.recovery.email_change_notice import FREEZE_PATH
from application.recovery.freeze_account import FreezeAccount
from application.recovery.start_password_reset import RESET_PATH
from domain.errors import InvalidInput, ServiceUnavailable
from interfaces.http.pages import is_from_another_site, page, read_form, redirect
from interfaces.http.pages.languages import texts_for
from interfaces.http.pages.texts import Texts
from interfaces.http.request_context import origin_of

_TEMPLATE = "account_freeze.html"
_BODY_MAX_BYTES = 16 * 1024


@get(FREEZE_PATH, include_in_schema=False, sync_to_thread=False)
def show_account_freeze(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The question. Nothing is frozen by a scanner that opens the link (P09)."""
    texts, token = _texts(request), request.query_params.get("token", "")
    return page(_TEMPLATE, texts, state="form", token=token, errors=[]) if token else _dead_link(texts)


@post(FREEZE_PATH, include_in_schema=False, request_max_body_size=_BODY_MAX_BYTES)
async def post_account_freeze(
    request: Request[Any, Any, Any], freeze_account: NamedDependency[SkipValidation[FreezeAccount]]
) -> ASGIResponse:
    """Freeze, and go on to where a new password is set; or say in words why not."""
    texts = _texts(request)
    if is_from_another_site(request):
        return page(_TEMPLATE, texts, status=403, state="foreign")
    token = (await read_form(request)).get("token", "")
    try:
        reset_token = await freeze_account(token, origin_of(request))
    except InvalidInput:
        return _dead_link(texts)
    except ServiceUnavailable as refusal:
        wait = refusal.retry_after or 5
        return page(_TEMPLATE, texts, status=503, state="form", token=token, errors=[texts.busy], retry_after=wait)
    if reset_token is None:
        return page(_TEMPLATE, texts, state="disabled")
    return redirect(f"{RESET_PATH}?token={reset_token}")


def _dead_link(texts: Texts) -> ASGIResponse:
    return page(_TEMPLATE, texts, status=422, state="dead_link")


def _texts(request: Request[Any, Any, Any]) -> Texts:
    return texts_for(request.headers.get("accept-language", ""))
