"""The caller's own password."""

from litestar import Response, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from application.credentials.change_password import ChangePassword, PasswordChange
from domain.credentials.errors import WrongPassword
from domain.errors import Overloaded, TooManyAttempts
from domain.sessions.errors import EmailNotVerified
from interfaces.http import wire
from interfaces.http.accounts import TAG
from interfaces.http.authentication import CallersRequest
from interfaces.http.bodies import REFUSED_BY, JsonBody
from interfaces.http.device_token import device_headers
from interfaces.http.problem_responses import BODY_PROBLEMS, CALLER_PROBLEMS, problems
from interfaces.http.request_context import context_of
from interfaces.http.sessions import token_response


@put(
    "/v1/users/me/password",
    operation_id="changePassword",
    tags=[TAG],
    summary="Change your password",
    description="Every session ends, the one that asks included: you go on with the tokens of the answer. After"
    " ten wrong `current_password` in a session the waits of that session grow.",
    dto=JsonBody[wire.PasswordChange],
    opt={REFUSED_BY: "change_password"},
    response_description="A new session with its first tokens.",
    responses=problems(*BODY_PROBLEMS, *CALLER_PROBLEMS, WrongPassword, EmailNotVerified, TooManyAttempts, Overloaded),
)
async def change_password(
    request: CallersRequest,
    data: JSONBody[wire.PasswordChange],
    change_password: NamedDependency[SkipValidation[ChangePassword]],
) -> Response[wire.TokenResponse]:
    """Change the caller's password."""
    context = context_of(request)
    change = PasswordChange(current=data.current_password, new=data.new_password)
    outcome = await change_password(request.auth, change, context.origin)
    return Response(token_response(outcome, context), headers=device_headers(outcome.device_token))
