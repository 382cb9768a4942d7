"""Signing in, staying signed in, signing out."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from application.sessions.log_in import LogIn, LogInRequest, StepRequired
from application.sessions.log_out import LogOut
from application.sessions.refresh_session import RefreshSession
from application.sessions.signed_in import SignedIn
from application.sessions.view_session import ViewSession
from domain.errors import Overloaded, TooManyAttempts
from domain.sessions.errors import AdditionalAuthenticationRequired, InvalidCredentials, InvalidRefreshToken
from domain.sessions.session import Session
from interfaces.http import wire
from interfaces.http.accounts import user_on_the_wire
from interfaces.http.authentication import CallersRequest
from interfaces.http.bodies import JsonBody
from interfaces.http.problem_responses import BODY_PROBLEMS, CALLER_PROBLEMS, problems
from interfaces.http.request_context import origin_of

TAG = "Sessions"

_REFRESH_BODY_MAX_BYTES = 4 * 1024


@post(
    "/v1/sessions",
    operation_id="logIn",
    tags=[TAG],
    summary="Sign in",
    description="Opens a session. An unknown identifier, a wrong password and a disabled account are answered alike.",
    dto=JsonBody[wire.Credentials],
    response_description="The session with its first tokens.",
    responses=problems(
        *BODY_PROBLEMS, InvalidCredentials, AdditionalAuthenticationRequired, TooManyAttempts, Overloaded
    ),
)
async def log_in(
    request: Request[Any, Any, Any],
    data: JSONBody[wire.Credentials],
    log_in: NamedDependency[SkipValidation[LogIn]],
) -> wire.TokenResponse:
    """Sign in."""
    asked = LogInRequest(identifier=data.identifier, password=data.password, remember=bool(data.remember))
    outcome = await log_in(asked, origin_of(request))
    if isinstance(outcome, StepRequired):
        raise AdditionalAuthenticationRequired
    return token_response(outcome)


@post(
    "/v1/sessions/refresh",
    operation_id="refreshSession",
    tags=[TAG],
    summary="Refresh the session",
    description="Exchanges a refresh token for its successor and a fresh access token. The token just replaced gives"
    " that same successor again, so a lost answer is asked for again with the same token. One replaced earlier ends"
    " the session, because somebody else kept it.",
    dto=JsonBody[wire.RefreshRequest],
    request_max_body_size=_REFRESH_BODY_MAX_BYTES,
    status_code=200,
    response_description="The session with its next tokens.",
    responses=problems(*BODY_PROBLEMS, InvalidRefreshToken),
)
async def refresh_session(
    request: Request[Any, Any, Any],
    data: JSONBody[wire.RefreshRequest],
    refresh_session: NamedDependency[SkipValidation[RefreshSession]],
) -> wire.TokenResponse:
    """Stay signed in."""
    return token_response(await refresh_session(data.refresh_token, origin_of(request)))


@get(
    "/v1/sessions/current",
    operation_id="viewCurrentSession",
    tags=[TAG],
    summary="Read the session you are in",
    response_description="The caller's session.",
    responses=problems(*CALLER_PROBLEMS),
)
async def view_session(
    request: CallersRequest, view_session: NamedDependency[SkipValidation[ViewSession]]
) -> wire.Session:
    """Read the caller's session."""
    return current_session(await view_session(request.auth))


@delete(
    "/v1/sessions/current",
    operation_id="logOut",
    tags=[TAG],
    summary="Sign out",
    description="Ends the session. Neither of its tokens is accepted from then on.",
    response_description="The session has ended.",
    responses=problems(*CALLER_PROBLEMS),
)
async def log_out(request: CallersRequest, log_out: NamedDependency[SkipValidation[LogOut]]) -> None:
    """Sign out."""
    await log_out(request.auth, origin_of(request))


def current_session(session: Session) -> wire.Session:
    """The session that asks."""
    return wire.Session(
        id=str(session.id),
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        idle_expires_at=session.idle_expires_at,
        expires_at=session.expires_at,
        ip_address=session.ip_address,
        user_agent=session.user_agent,
        device=None,
        current=True,
        authentication_methods=list(session.authentication.methods),
    )


def token_response(signed_in: SignedIn) -> wire.TokenResponse:
    """A session with its tokens."""
    return wire.TokenResponse(
        access_token=signed_in.access_token.text,
        token_type="Bearer",
        expires_in=signed_in.access_token.expires_in,
        refresh_token=signed_in.refresh_token,
        refresh_expires_in=signed_in.refresh_expires_in,
        session=current_session(signed_in.session),
        user=user_on_the_wire(signed_in.user),
    )
