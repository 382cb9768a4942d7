"""Signing in, staying signed in, signing out."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, SkipValidation

from application.sessions.end_all_sessions import EndAllSessions
from application.sessions.end_session import EndSession
from application.sessions.list_sessions import ListSessions
from application.sessions.log_in import LogIn, LogInRequest, StepRequired
from application.sessions.log_out import LogOut
from application.sessions.refresh_session import RefreshSession
from application.sessions.signed_in import SignedIn
from application.sessions.view_session import ViewSession
from domain.errors import FieldCheck, InvalidInput, InvalidValue, Overloaded, TooManyAttempts
from domain.sessions.errors import (
    AdditionalAuthenticationRequired,
    EmailNotVerified,
    InvalidCredentials,
    InvalidRefreshToken,
    SessionNotFound,
)
from domain.sessions.session import Session
from interfaces.http import wire
from interfaces.http.accounts import user_on_the_wire
from interfaces.http.authentication import CallersRequest
from interfaces.http.bodies import JsonBody
from interfaces.http.device_token import device_headers
from interfaces.http.problem_responses import BODY_PROBLEMS, CALLER_PROBLEMS, problems
from interfaces.http.queries import cursor_of, page_request_of, query_of, refuse_query
from interfaces.http.request_context import RequestContext, context_of, origin_of

TAG = "Sessions"

_REFRESH_BODY_MAX_BYTES = 4 * 1024


@post(
    "/v1/sessions",
    operation_id="logIn",
    tags=[TAG],
    summary="Sign in",
    description="Opens a session. An unknown identifier, a wrong password and a disabled account are answered alike."
    " The answer has a token by which this device is known from then on, as a cookie and as `X-Device-Token`: sent with"
    " the next sign-in, it has attempts of its own, so that strangers who guess cannot keep you out. It opens nothing"
    " alone, and ends with the password.",
    dto=JsonBody[wire.Credentials],
    response_description="The session with its first tokens.",
    responses=problems(
        *BODY_PROBLEMS,
        InvalidCredentials,
        AdditionalAuthenticationRequired,
        EmailNotVerified,
        TooManyAttempts,
        Overloaded,
    ),
)
async def log_in(
    request: Request[Any, Any, Any],
    data: JSONBody[wire.Credentials],
    log_in: NamedDependency[SkipValidation[LogIn]],
) -> Response[wire.TokenResponse]:
    """Sign in."""
    refuse_query(request)
    asked = LogInRequest(identifier=data.identifier, password=data.password, remember=bool(data.remember))
    outcome = await log_in(asked, origin_of(request))
    if isinstance(outcome, StepRequired):
        raise AdditionalAuthenticationRequired
    return Response(token_response(outcome, context_of(request)), headers=device_headers(outcome.device_token))


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
    refuse_query(request)
    context = context_of(request)
    return token_response(await refresh_session(data.refresh_token, context.origin), context)


@get(
    "/v1/sessions",
    operation_id="listSessions",
    tags=[TAG],
    summary="List where you are signed in",
    description="Your live sessions, newest first, the one you are in with `current: true`. `next_cursor` goes into"
    " `?cursor=` for the next page, and is null on the last one.",
    response_description="A page of sessions.",
    responses=problems(*CALLER_PROBLEMS, InvalidInput),
)
async def list_sessions(
    request: CallersRequest, list_sessions: NamedDependency[SkipValidation[ListSessions]]
) -> wire.SessionPage:
    """List the caller's sessions."""
    asked = page_request_of(request)
    page = await list_sessions(request.auth, limit=asked.limit, after=asked.after)
    own = request.auth.session_id
    return wire.SessionPage(
        items=[session_on_the_wire(session, current=session.id == own) for session in page.sessions],
        next_cursor=cursor_of(page.next),
    )


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
    return session_on_the_wire(await view_session(request.auth), current=True)


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


@delete(
    "/v1/sessions/{session_id:str}",
    operation_id="endSession",
    tags=[TAG],
    summary="Sign out of one session",
    description="Ends one of your sessions, as `GET /v1/sessions` lists them. Neither of its tokens is accepted from"
    " then on. An id of somebody else's session is answered like one that never was.",
    response_description="The session has ended.",
    responses=problems(*CALLER_PROBLEMS, SessionNotFound),
)
async def end_session(
    request: CallersRequest,
    session_id: Annotated[str, PathParameter(description="The session's id.", schema_extra={"format": "uuid"})],
    end_session: NamedDependency[SkipValidation[EndSession]],
) -> None:
    """End one of the caller's sessions."""
    await end_session(request.auth, _id(session_id), origin_of(request))


@delete(
    "/v1/sessions",
    operation_id="endAllSessions",
    tags=[TAG],
    summary="Sign out everywhere",
    description="Ends all of your sessions, or with `?except=current` all but the one you are in. None of their tokens"
    " is accepted from then on.",
    response_description="The sessions have ended.",
    responses=problems(*CALLER_PROBLEMS, InvalidInput),
)
async def end_all_sessions(
    request: CallersRequest, end_all_sessions: NamedDependency[SkipValidation[EndAllSessions]]
) -> None:
    """End the caller's sessions."""
    check = FieldCheck()
    but_current = check.optional("except", _is_current, query_of(request, ("except",)).get("except"))
    check.raise_if_any()
    await end_all_sessions(request.auth, origin_of(request), but_current=bool(but_current))


def _is_current(text: str) -> bool:
    if text != "current":
        raise InvalidValue("invalid_except", "Only `current` can be kept.")
    return True


def _id(text: str) -> UUID | None:
    """An id as we write it; other spellings of a UUID name nothing here."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def session_on_the_wire(session: Session, *, current: bool) -> wire.Session:
    """A session as its owner sees it; ``current`` for the one that asks."""
    return wire.Session(
        id=str(session.id),
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        idle_expires_at=session.idle_expires_at,
        expires_at=session.expires_at,
        ip_address=session.ip_address,
        user_agent=session.user_agent,
        device=session.device,
        current=current,
        authentication_methods=list(session.authentication.methods),
    )


def token_response(signed_in: SignedIn, context: RequestContext) -> wire.TokenResponse:
    """A session with its tokens."""
    return wire.TokenResponse(
        access_token=signed_in.access_token.text,
        token_type="Bearer",
        expires_in=signed_in.access_token.expires_in,
        refresh_token=signed_in.refresh_token,
        refresh_expires_in=signed_in.refresh_expires_in,
        session=session_on_the_wire(signed_in.session, current=True),
        user=user_on_the_wire(signed_in.user, context),
    )
