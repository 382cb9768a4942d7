"""Refusals as RFC 9457 problem documents, and the one table that gives each kind of them its status.

`type` is the path of the page that explains the code, with the code as its fragment (`/errors#email_taken`, after the
prefix when the application is mounted). It is absolute, so that it names the same thing in every answer, and has no
host, because the only host known here is the one a request header claims (T7). Clients branch on `code`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.types import ExceptionHandlersMap
from msgspec import UNSET, Struct, UnsetType, json

from domain.errors import DomainError, ErrorKind, Violation
from domain.sessions.errors import InvalidAccessToken
from interfaces.http.request_context import RequestContext, context_of, route_path

PROBLEM_MEDIA_TYPE = "application/problem+json"

STATUS_OF_KIND: Mapping[ErrorKind, int] = MappingProxyType(
    {
        ErrorKind.UNAUTHENTICATED: 401,
        ErrorKind.FORBIDDEN: 403,
        ErrorKind.NOT_FOUND: 404,
        ErrorKind.CONFLICT: 409,
        ErrorKind.UNACCEPTABLE: 422,
        ErrorKind.LIMITED: 429,
        ErrorKind.UNAVAILABLE: 503,
    }
)

_RETRY_AFTER_SECONDS = {429: 60, 503: 5}
"""Said where the refusal itself does not know better: both statuses always tell when to come back."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("crm_auth.http")


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One code with its status and title; all problems of the code share them."""

    code: str
    status: int
    title: str

    @classmethod
    def of(cls, error: type[DomainError]) -> "ProblemType":
        """The problem that a domain error is over HTTP."""
        return cls(error.code, STATUS_OF_KIND[error.kind], error.title)


BAD_REQUEST = ProblemType("bad_request", 400, "The request is not understood.")
MALFORMED_JSON = ProblemType("malformed_json", 400, "The body is not a JSON document.")
MALFORMED_FORM = ProblemType("malformed_form", 400, "The body is not a multipart form.")
INVALID_IDEMPOTENCY_KEY = ProblemType("invalid_idempotency_key", 400, "The idempotency key is not one.")
HOST_NOT_ALLOWED = ProblemType("host_not_allowed", 400, "The service does not go by this name.")
NOT_FOUND = ProblemType("not_found", 404, "There is nothing here.")
METHOD_NOT_ALLOWED = ProblemType("method_not_allowed", 405, "This method is not for this resource.")
REQUEST_TIMEOUT = ProblemType("request_timeout", 408, "The request did not arrive in time.")
CONTENT_TOO_LARGE = ProblemType("content_too_large", 413, "The body is too large.")
UNSUPPORTED_MEDIA_TYPE = ProblemType("unsupported_media_type", 415, "The body is not of a type that is read here.")
HEAD_TOO_LARGE = ProblemType("head_too_large", 431, "The head of the request is too large.")
INTERNAL_ERROR = ProblemType("internal_error", 500, "Something went wrong on this side.")

TRANSPORT_PROBLEMS = (
    BAD_REQUEST,
    MALFORMED_JSON,
    MALFORMED_FORM,
    INVALID_IDEMPOTENCY_KEY,
    HOST_NOT_ALLOWED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    REQUEST_TIMEOUT,
    CONTENT_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    HEAD_TOO_LARGE,
    INTERNAL_ERROR,
)
"""Refused by the transport before a use case sees the request, or after one failed."""

_TRANSPORT_PROBLEM_OF_STATUS = {
    problem.status: problem
    for problem in (BAD_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, CONTENT_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
}


class Refused(Exception):
    """The transport refuses the request with one of its own problems."""

    def __init__(self, problem: ProblemType, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.headers = headers


class FieldProblem(Struct, frozen=True, kw_only=True):
    """One refused field of the body, or parameter of the query."""

    pointer: str
    code: str
    detail: str


class Problem(Struct, frozen=True, kw_only=True):
    """A problem document (RFC 9457). `code` is what a client branches on; `errors` lists every refused field."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: Sequence[FieldProblem] | UnsetType = UNSET


def problem_document(
    problem: ProblemType, context: RequestContext, *, detail: str | None = None, violations: Sequence[Violation] = ()
) -> Problem:
    """The document for one request. The request id is not in it: equal refusals are equal in every byte (L01)."""
    return Problem(
        type=f"{context.mount_path}/errors#{problem.code}",
        title=problem.title,
        status=problem.status,
        detail=detail or problem.title,
        instance=context.path,
        code=problem.code,
        errors=[FieldProblem(pointer=f"/{v.field}", code=v.code, detail=v.detail) for v in violations] or UNSET,
    )


def problem_headers(problem: ProblemType, retry_after: int | None = None) -> dict[str, str]:
    """The headers that a status obliges to: RFC 6750 3 for 401, RFC 6585 4 and RFC 9110 15.6.4 for 429 and 503."""
    if problem.code == InvalidAccessToken.code:
        return {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    if problem.status == STATUS_OF_KIND[ErrorKind.UNAUTHENTICATED]:
        # RFC 6750 3.1: no error is named to a request that brought no token, whatever else was wrong with it.
        return {"WWW-Authenticate": "Bearer"}
    if seconds := retry_after or _RETRY_AFTER_SECONDS.get(problem.status):
        return {"Retry-After": str(max(1, seconds))}
    return {}


def problem_exception_handlers() -> ExceptionHandlersMap:
    """Every exception that leaves a route as a problem document, those of the framework included (T14)."""
    return {
        DomainError: _domain_refusal,
        Refused: _transport_refusal,
        HTTPException: _framework_refusal,
        Exception: _internal_error,
    }


def _domain_refusal(request: Request[Any, Any, Any], refusal: DomainError) -> Response[bytes]:
    problem = ProblemType.of(type(refusal))
    document = problem_document(problem, context_of(request), detail=refusal.detail, violations=refusal.violations)
    return _response(document, problem_headers(problem, refusal.retry_after))


def _transport_refusal(request: Request[Any, Any, Any], refusal: Refused) -> Response[bytes]:
    return _response(problem_document(refusal.problem, context_of(request), detail=refusal.detail), refusal.headers)


def _framework_refusal(request: Request[Any, Any, Any], refusal: HTTPException) -> Response[bytes]:
    """What Litestar refuses by itself. Its texts are not passed on: some repeat what was sent."""
    if isinstance(refusal, ValidationException) and _lacks_body(refusal):
        return _response(problem_document(MALFORMED_JSON, context_of(request), detail="The body is empty."))
    if isinstance(refusal, InternalServerException) and refusal.detail == "client disconnected prematurely":
        # Nobody reads this answer, and a client that hangs up is no failure of ours to be logged as one.
        return _response(problem_document(BAD_REQUEST, context_of(request)))
    if refusal.status_code >= INTERNAL_ERROR.status:
        return _internal_error(request, refusal)
    problem = _TRANSPORT_PROBLEM_OF_STATUS.get(refusal.status_code, BAD_REQUEST)
    return _response(problem_document(problem, context_of(request)), dict(refusal.headers or {}))


def _internal_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A 500 that tells nothing but its request id, by which the log tells the rest (H02)."""
    context = context_of(request)
    _log.error("request_failed", request_id=context.request_id, path=route_path(request.scope), exc_info=error)
    return _response(problem_document(INTERNAL_ERROR, context))


def _lacks_body(refusal: ValidationException) -> bool:
    messages = refusal.extra if isinstance(refusal.extra, list) else []
    return any(message.get("key") == "data" for message in messages if isinstance(message, dict))


def _response(document: Problem, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    return Response(
        json.encode(document), status_code=document.status, media_type=PROBLEM_MEDIA_TYPE, headers=headers or {}
    )
