"""The pages where people say that an account with their address is theirs, or that it is not."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response.base import ASGIResponse

from application.recovery.confirm_email_verification import ConfirmEmailVerification, EmailVerification
from application.recovery.email_verification_mail import REJECTION_PATH, VERIFICATION_PATH
from application.recovery.reject_email_verification import RejectEmailVerification
from domain.accounts.errors import EmailTaken
from domain.errors import DomainError, InvalidInput, ServiceUnavailable, TooManyAttempts
from domain.sessions.errors import InvalidCredentials
from interfaces.http.pages import is_from_another_site, page, read_form
from interfaces.http.pages.languages import texts_for
from interfaces.http.pages.texts import Texts
from interfaces.http.request_context import origin_of

_VERIFICATION = "email_verification.html"
_REJECTION = "email_rejection.html"
_BODY_MAX_BYTES = 16 * 1024


@get(VERIFICATION_PATH, include_in_schema=False, sync_to_thread=False)
def show_email_verification(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The form that asks for the password. The token is as good afterwards as before (P09)."""
    return _shown(_VERIFICATION, request)


@get(REJECTION_PATH, include_in_schema=False, sync_to_thread=False)
def show_email_rejection(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The form that asks whether it was somebody else; opening it does nothing about that (P09)."""
    return _shown(_REJECTION, request)


@post(VERIFICATION_PATH, include_in_schema=False, request_max_body_size=_BODY_MAX_BYTES)
async def post_email_verification(
    request: Request[Any, Any, Any],
    confirm_email_verification: NamedDependency[SkipValidation[ConfirmEmailVerification]],
) -> ASGIResponse:
    """Confirm the address, or say in words why not."""
    texts = _texts(request)
    if is_from_another_site(request):
        return page(_VERIFICATION, texts, status=403, state="foreign")
    fields = await read_form(request)
    given = EmailVerification(token=fields.get("token", ""), password=fields.get("password", ""))
    try:
        await confirm_email_verification(given, None, origin_of(request))
    except (InvalidInput, InvalidCredentials, EmailTaken, TooManyAttempts, ServiceUnavailable) as refusal:
        return _refused(_VERIFICATION, texts, given.token, refusal)
    return page(_VERIFICATION, texts, state="done")


@post(REJECTION_PATH, include_in_schema=False, request_max_body_size=_BODY_MAX_BYTES)
async def post_email_rejection(
    request: Request[Any, Any, Any],
    reject_email_verification: NamedDependency[SkipValidation[RejectEmailVerification]],
) -> ASGIResponse:
    """Delete the account or drop its change of address, or say in words why not."""
    texts = _texts(request)
    if is_from_another_site(request):
        return page(_REJECTION, texts, status=403, state="foreign")
    token = (await read_form(request)).get("token", "")
    try:
        await reject_email_verification(token, origin_of(request))
    except (InvalidInput, ServiceUnavailable) as refusal:
        return _refused(_REJECTION, texts, token, refusal)
    return page(_REJECTION, texts, state="done")


def _shown(template: str, request: Request[Any, Any, Any]) -> ASGIResponse:
    texts, token = _texts(request), request.query_params.get("token", "")
    return _form(template, texts, token) if token else page(template, texts, status=422, state="dead_link")


def _refused(template: str, texts: Texts, token: str, refusal: DomainError) -> ASGIResponse:
    match refusal:
        case InvalidInput() if any(violation.field == "token" for violation in refusal.violations):
            return page(template, texts, status=422, state="dead_link")
        case InvalidInput():
            return _form(template, texts, token, status=422, errors=list(map(texts.of, refusal.violations)))
        case InvalidCredentials():
            return _form(template, texts, token, status=401, errors=[texts.wrong_password])
        case EmailTaken():
            return _form(template, texts, token, status=409, errors=[texts.email_taken])
        case TooManyAttempts():
            wait = refusal.retry_after or 60
            return _form(template, texts, token, status=429, errors=[texts.too_many_attempts], retry_after=wait)
        case _:
            wait = refusal.retry_after or 5
            return _form(template, texts, token, status=503, errors=[texts.busy], retry_after=wait)


def _form(
    template: str, texts: Texts, token: str, *, status: int = 200, errors: list[str] | None = None, **more: Any
) -> ASGIResponse:
    return page(template, texts, status=status, state="form", token=token, errors=errors or [], **more)


def _texts(request: Request[Any, Any, Any]) -> Texts:
    return texts_for(request.headers.get("accept-language", ""))
