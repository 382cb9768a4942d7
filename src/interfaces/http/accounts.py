"""Sign-up and the caller's own account."""

from http import HTTPStatus
from typing import Any

from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, SkipValidation
from msgspec import UNSET
from msgspec.structs import asdict

from application.accounts.change_profile import ChangeProfile
from application.accounts.register_user import RegisterUser
from application.accounts.view_profile import ViewProfile
from application.sign_ups.request_sign_up import RequestSignUp
from domain.accounts.errors import (
    EmailTaken,
    IdempotencyKeyReused,
    RegisteredAccountDeleted,
    RequestInProgress,
    SignupClosed,
    UsernameTaken,
)
from domain.accounts.user import User
from domain.errors import Overloaded, TooManyAttempts
from interfaces.http import wire
from interfaces.http.authentication import CallersRequest
from interfaces.http.bodies import REFUSED_BY, MergePatchBody
from interfaces.http.idempotency_key import idempotency_key_of
from interfaces.http.json_response import EmptyResponse
from interfaces.http.problem_responses import BODY_PROBLEMS, CALLER_PROBLEMS, problems
from interfaces.http.problems import INVALID_IDEMPOTENCY_KEY, MALFORMED_FORM
from interfaces.http.registrations import REGISTRATION_MAX_BYTES, read_registration
from interfaces.http.request_context import RequestContext, context_of, origin_of
from interfaces.http.uploads import UPLOAD_MEMORY

TAG = "Accounts"

_KEY_PROBLEMS = (INVALID_IDEMPOTENCY_KEY, RequestInProgress, IdempotencyKeyReused, RegisteredAccountDeleted)
_PROFILE_PATH = "/v1/users/me"


@post(
    "/v1/users",
    operation_id="registerUser",
    tags=[TAG],
    summary="Sign up",
    description="Creates an account with a password. Whoever is answered 201 can sign in. A form has the same fields"
    " and may have a file `photo`; one that is no picture refuses the whole sign-up. An optional field of a form that"
    " is empty counts as left out. Where the operator keeps it secret whose addresses have accounts, the answer is 202"
    " for a free and for a taken address alike, and a mail to the address tells which: there is no account before its"
    " link has been used.",
    request_max_body_size=REGISTRATION_MAX_BYTES,
    response_description="The account.",
    responses={
        HTTPStatus.ACCEPTED: ResponseSpec(None, description="Noted; the rest is in the mail.", generate_examples=False),
        **problems(
            *BODY_PROBLEMS,
            MALFORMED_FORM,
            SignupClosed,
            EmailTaken,
            UsernameTaken,
            TooManyAttempts,
            Overloaded,
            *_KEY_PROBLEMS,
        ),
    },
)
async def register_user(
    request: Request[Any, Any, Any],
    register_user: NamedDependency[SkipValidation[RegisterUser]],
    request_sign_up: NamedDependency[SkipValidation[RequestSignUp]],
) -> Response[wire.User | None]:
    """Sign up."""
    key = idempotency_key_of(request)
    with UPLOAD_MEMORY.held() as take:
        registration = await read_registration(request, take, register_user.refuse_fields)
        if request_sign_up.is_on:
            await request_sign_up(registration, origin_of(request), key)
            return EmptyResponse(HTTPStatus.ACCEPTED)
        user = await register_user(registration, origin_of(request), key)
    context = context_of(request)
    return Response(user_on_the_wire(user, context), headers={"Location": context.mount_path + _PROFILE_PATH})


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
    return user_on_the_wire(await view_profile(request.auth), context_of(request))


@patch(
    _PROFILE_PATH,
    operation_id="changeProfile",
    tags=[TAG],
    summary="Change your own account",
    description="A JSON merge patch (RFC 7396): fields that are left out stay as they are, `null` clears one."
    " A username changes at most three times in 30 days, other spellings of the same aside. The one you give up stays"
    " reserved: nobody else ever gets it, and you may take it back.",
    dto=MergePatchBody[wire.ProfileChange],
    opt={REFUSED_BY: "change_profile"},
    response_description="The account as it is now.",
    responses=problems(*BODY_PROBLEMS, *CALLER_PROBLEMS, UsernameTaken),
)
async def change_profile(
    request: CallersRequest,
    data: JSONBody[wire.ProfileChange],
    change_profile: NamedDependency[SkipValidation[ChangeProfile]],
) -> wire.User:
    """Change the caller's own account."""
    context = context_of(request)
    profile = {name: value for name, value in asdict(data).items() if value is not UNSET}
    username = profile.pop("username", None)
    return user_on_the_wire(await change_profile(request.auth, username, profile, context.origin), context)


def user_on_the_wire(user: User, context: RequestContext) -> wire.User:
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
        picture=None if user.photo_id is None else f"{context.public_url}/v1/photos/{user.photo_id}",
        status=user.status.value,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )
