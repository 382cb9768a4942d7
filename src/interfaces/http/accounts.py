"""Sign-up and the caller's own account."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec.structs import asdict

from application.accounts.register_user import RegisterUser, Registration
from application.accounts.view_profile import ViewProfile
from domain.accounts.errors import EmailTaken, SignupClosed, UsernameTaken
from domain.accounts.user import User
from domain.errors import Overloaded, TooManyAttempts
from interfaces.http import wire
from interfaces.http.authentication import CallersRequest
from interfaces.http.bodies import JsonBody
from interfaces.http.problem_responses import BODY_PROBLEMS, CALLER_PROBLEMS, problems
from interfaces.http.request_context import context_of, origin_of

TAG = "Accounts"

_PROFILE_PATH = "/v1/users/me"


@post(
    "/v1/users",
    operation_id="registerUser",
    tags=[TAG],
    summary="Sign up",
    description="Creates an account with a password. Whoever is answered 201 can sign in.",
    dto=JsonBody[wire.Registration],
    response_description="The account.",
    responses=problems(*BODY_PROBLEMS, SignupClosed, EmailTaken, UsernameTaken, TooManyAttempts, Overloaded),
)
async def register_user(
    request: Request[Any, Any, Any],
    data: JSONBody[wire.Registration],
    register_user: NamedDependency[SkipValidation[RegisterUser]],
) -> Response[wire.User]:
    """Sign up."""
    user = await register_user(Registration(**asdict(data)), origin_of(request))
    return Response(user_on_the_wire(user), headers={"Location": context_of(request).mount_path + _PROFILE_PATH})


@get(
    _PROFILE_PATH,
    operation_id="viewProfile",
    tags=[TAG],
    summary="Read your own account",
    response_description="The caller's account.",
    responses=problems(*CALLER_PROBLEMS),
)
async def view_profile(
    request: CallersRequest, view_profile: NamedDependency[SkipValidation[ViewProfile]]
) -> wire.User:
    """Read the caller's own account."""
    return user_on_the_wire(await view_profile(request.auth))


def user_on_the_wire(user: User) -> wire.User:
    """An account as its owner sees it."""
    profile = user.profile
    return wire.User(
        id=str(user.id),
        email=user.email.original,
        email_verified=user.email_verified,
        username=user.username.original,
        given_name=profile.given_name,
        family_name=profile.family_name,
        display_name=profile.display_name,
        phone_number=profile.phone_number,
        locale=profile.locale,
        zoneinfo=profile.zoneinfo,
        picture=None,
        status=user.status.value,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )
