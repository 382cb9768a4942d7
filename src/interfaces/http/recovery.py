"""Getting back in without the password."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from application.recovery.confirm_email_verification import ConfirmEmailVerification, EmailVerification
from application.recovery.confirm_password_reset import ConfirmPasswordReset, PasswordReset
from application.recovery.reject_email_verification import RejectEmailVerification
from application.recovery.request_email_change import EmailChangeRequest, RequestEmailChange
from application.recovery.request_email_verification import RequestEmailVerification
from application.recovery.request_password_reset import RequestPasswordReset
from application.sessions.ports import AccessTokenVerifier
from domain.accounts.errors import EmailTaken
from domain.credentials.errors import WrongPassword
from domain.errors import Overloaded, TooManyAttempts
from domain.sessions.errors import AuthenticationRequired, InvalidAccessToken, InvalidCredentials
from interfaces.http import wire
from interfaces.http.accounts import user_on_the_wire
from interfaces.http.authentication import BEARER_SCHEME_NAME, CallersRequest, caller_if_any
from interfaces.http.bodies import REFUSED_BY, JsonBody
from interfaces.http.problem_responses import BODY_PROBLEMS, CALLER_PROBLEMS, problems
from interfaces.http.request_context import context_of, origin_of

TAG = "Recovery"


@post(
    "/v1/password-resets",
    operation_id="requestPasswordReset",
    tags=[TAG],
    summary="Ask for a password reset link",
    description="Mails a link by which to set a new password to the account of the address, if there is one. The answer"
    " is the same, in the same time, for every address that can be one. Nothing changes until the link is used.",
    dto=JsonBody[wire.MailRequest],
    status_code=202,
    response_description="Noted.",
    responses=problems(*BODY_PROBLEMS, TooManyAttempts),
)
async def request_password_reset(
    request: Request[Any, Any, Any],
    data: JSONBody[wire.MailRequest],
    request_password_reset: NamedDependency[SkipValidation[RequestPasswordReset]],
) -> None:
    """Ask for a link."""
    await request_password_reset(data.email, origin_of(request))


@post(
    "/v1/email-verifications",
    operation_id="requestEmailVerification",
    tags=[TAG],
    summary="Ask for the mail that confirms an address",
    description="Mails a link by which to confirm the address to whoever has it, if an account waits for that. Answered"
    " like a request for a password reset link: the same for every address.",
    dto=JsonBody[wire.MailRequest],
    status_code=202,
    response_description="Noted.",
    responses=problems(*BODY_PROBLEMS, TooManyAttempts),
)
async def request_email_verification(
    request: Request[Any, Any, Any],
    data: JSONBody[wire.MailRequest],
    request_email_verification: NamedDependency[SkipValidation[RequestEmailVerification]],
) -> None:
    """Ask for the mail."""
    await request_email_verification(data.email, origin_of(request))


@post(
    "/v1/users/me/email",
    operation_id="requestEmailChange",
    tags=[TAG],
    summary="Change your e-mail address",
    description="Mails a link to the new address, by which to confirm it with `POST /v1/email-verifications/confirm`."
    " Until then the old address stays. The answer is the same whether or not another account has the new address,"
    " which then gets no link. A second request takes the place of the first. The old address, if it was confirmed, is"
    " told at once and again when it is replaced, each time with a link that freezes the account and is good for 72"
    " hours. After ten wrong `password` in a session its waits grow.",
    dto=JsonBody[wire.EmailChange],
    opt={REFUSED_BY: "request_email_change"},
    status_code=202,
    response_description="Noted.",
    responses=problems(*BODY_PROBLEMS, *CALLER_PROBLEMS, WrongPassword, TooManyAttempts, Overloaded),
)
async def request_email_change(
    request: CallersRequest,
    data: JSONBody[wire.EmailChange],
    request_email_change: NamedDependency[SkipValidation[RequestEmailChange]],
) -> None:
    """Ask for another address."""
    given = EmailChangeRequest(new_email=data.new_email, password=data.password)
    await request_email_change(request.auth, given, origin_of(request))


@post(
    "/v1/email-verifications/confirm",
    operation_id="confirmEmailVerification",
    tags=[TAG],
    summary="Confirm your address by a link",
    description="Takes the `token` of a verification link, once, with the account's access token or its password: the"
    " link alone would prove the address of a stranger who signed up with yours. A token that is spent, expired or"
    " unknown is 422 with `invalid_token` at `/token`. By the link of a new address the account has that address from"
    " then on, and every other link of it but those that freeze it is dead; 409 if another account has got it"
    " meanwhile.",
    dto=JsonBody[wire.EmailVerification],
    opt={REFUSED_BY: "confirm_email_verification"},
    status_code=200,
    response_description="The account, its address confirmed.",
    security=[{}, {BEARER_SCHEME_NAME: []}],
    responses=problems(
        *BODY_PROBLEMS,
        AuthenticationRequired,
        InvalidAccessToken,
        InvalidCredentials,
        EmailTaken,
        TooManyAttempts,
        Overloaded,
    ),
)
async def confirm_email_verification(
    request: Request[Any, Any, Any],
    data: JSONBody[wire.EmailVerification],
    confirm_email_verification: NamedDependency[SkipValidation[ConfirmEmailVerification]],
    access_token_verifier: NamedDependency[SkipValidation[AccessTokenVerifier]],
) -> wire.User:
    """Confirm an address."""
    caller = caller_if_any(request.scope["headers"], access_token_verifier)
    given = EmailVerification(token=data.token, password=data.password)
    user = await confirm_email_verification(given, caller, origin_of(request))
    return user_on_the_wire(user, context_of(request))


@post(
    "/v1/email-verifications/reject",
    operation_id="rejectEmailVerification",
    tags=[TAG],
    summary="Say that it was not you",
    description="Takes the `token` of a link that somebody else had mailed to your address. The account that was made"
    " with it and never proven is deleted, a sign-up that waits ends, and an account that was to have it keeps the"
    " address that it has.",
    dto=JsonBody[wire.LinkToken],
    status_code=204,
    response_description="Nothing of it has your address any more.",
    responses=problems(*BODY_PROBLEMS),
)
async def reject_email_verification(
    request: Request[Any, Any, Any],
    data: JSONBody[wire.LinkToken],
    reject_email_verification: NamedDependency[SkipValidation[RejectEmailVerification]],
) -> None:
    """Say that it was not you."""
    await reject_email_verification(data.token, origin_of(request))


@post(
    "/v1/password-resets/confirm",
    operation_id="confirmPasswordReset",
    tags=[TAG],
    summary="Set a new password by a link",
    description="Takes the `token` of a password reset link, once. Every session of the account ends, and signing in"
    " is the next step. A token that is spent, expired or unknown is 422 with `invalid_token` at `/token`; a refused"
    " password leaves the token as good as it was.",
    dto=JsonBody[wire.PasswordReset],
    opt={REFUSED_BY: "confirm_password_reset"},
    status_code=204,
    response_description="The new password holds.",
    responses=problems(*BODY_PROBLEMS, Overloaded),
)
async def confirm_password_reset(
    request: Request[Any, Any, Any],
    data: JSONBody[wire.PasswordReset],
    confirm_password_reset: NamedDependency[SkipValidation[ConfirmPasswordReset]],
) -> None:
    """Set a new password by a link."""
    await confirm_password_reset(PasswordReset(token=data.token, new_password=data.new_password), origin_of(request))
