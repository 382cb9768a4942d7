"""The page where a new password is set by a link."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response.base import ASGIResponse

from application.recovery.confirm_password_reset import ConfirmPasswordReset, PasswordReset
from application.recovery.start_password_reset import RESET_PATH
from domain.errors import InvalidInput, ServiceUnavailable
from interfaces.http.pages import is_from_another_site, page, read_form
from interfaces.http.pages.languages import texts_for
from interfaces.http.pages.texts import Texts
from interfaces.http.request_context import origin_of

_TEMPLATE = "password_reset.html"
_BODY_MAX_BYTES = 16 * 1024


@get(RESET_PATH, include_in_schema=False, sync_to_thread=False)
def show_password_reset(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The form. It asks nobody about the token, which is as good afterwards as before (P09)."""
    token = request.query_params.get("token", "")
    return _form(_texts(request), token) if token else _dead_link(_texts(request))


@post(RESET_PATH, include_in_schema=False, request_max_body_size=_BODY_MAX_BYTES)
async def post_password_reset(
    request: Request[Any, Any, Any],
    confirm_password_reset: NamedDependency[SkipValidation[ConfirmPasswordReset]],
) -> ASGIResponse:
    """Set the password, or say in words why not, with the form again."""
    texts = _texts(request)
    if is_from_another_site(request):
        return page(_TEMPLATE, texts, status=403, state="foreign")
    fields = await read_form(request)
    token, new_password = fields.get("token", ""), fields.get("new_password", "")
    if new_password != fields.get("repeated", ""):
        return _form(texts, token, status=422, errors=[texts.not_the_same])
    try:
        await confirm_password_reset(PasswordReset(token=token, new_password=new_password), origin_of(request))
    except InvalidInput as refusal:
        if any(violation.field == "token" for violation in refusal.violations):
            return _dead_link(texts)
        return _form(texts, token, status=422, errors=list(map(texts.of, refusal.violations)))
    except ServiceUnavailable as refusal:
        return _form(texts, token, status=503, errors=[texts.busy], retry_after=refusal.retry_after or 5)
    return page(_TEMPLATE, texts, state="done")


def _form(texts: Texts, token: str, *, status: int = 200, errors: list[str] | None = None, **more: Any) -> ASGIResponse:
    return page(_TEMPLATE, texts, status=status, state="form", token=token, errors=errors or [], **more)


def _dead_link(texts: Texts) -> ASGIResponse:
    return page(_TEMPLATE, texts, status=422, state="dead_link")


def _texts(request: Request[Any, Any, Any]) -> Texts:
    return texts_for(request.headers.get("accept-language", ""))
