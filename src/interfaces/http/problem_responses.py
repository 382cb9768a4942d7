"""The problems a route can answer with, as the OpenAPI document tells them."""

from collections import defaultdict
from http import HTTPStatus

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from domain.errors import DomainError, InvalidInput, ServiceUnavailable
from domain.sessions.errors import AuthenticationRequired, InvalidAccessToken
from interfaces.http.problems import (
    BAD_REQUEST,
    CONTENT_TOO_LARGE,
    HOST_NOT_ALLOWED,
    INTERNAL_ERROR,
    MALFORMED_JSON,
    PROBLEM_MEDIA_TYPE,
    REQUEST_TIMEOUT,
    UNSUPPORTED_MEDIA_TYPE,
    Problem,
    ProblemType,
)

AnyProblem = type[DomainError] | ProblemType

BODY_PROBLEMS: tuple[AnyProblem, ...] = (
    MALFORMED_JSON,
    REQUEST_TIMEOUT,
    CONTENT_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    InvalidInput,
    ServiceUnavailable,
)
"""Of a route that reads a body and needs the database."""

CALLER_PROBLEMS: tuple[AnyProblem, ...] = (AuthenticationRequired, InvalidAccessToken, ServiceUnavailable)
"""Of a route that needs a caller."""


def problems(*those: AnyProblem) -> dict[int, ResponseSpec]:
    """The responses of a route that can be refused with those problems; each code is a named example.

    What can befall every request, as `bad_request` and `internal_error`, is added.
    """
    by_status: dict[int, list[ProblemType]] = defaultdict(list)
    for problem in dict.fromkeys((*those, BAD_REQUEST, HOST_NOT_ALLOWED, INTERNAL_ERROR)):
        kind = problem if isinstance(problem, ProblemType) else ProblemType.of(problem)
        by_status[kind.status].append(kind)
    return {status: _response(status, by_status[status]) for status in sorted(by_status)}


def _response(status: int, kinds: list[ProblemType]) -> ResponseSpec:
    return ResponseSpec(
        Problem,
        description=f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{kind.code}`" for kind in kinds),
        media_type=PROBLEM_MEDIA_TYPE,
        generate_examples=False,
        examples=[Example(id=kind.code, summary=kind.title, value=_example(kind)) for kind in kinds],
    )


def _example(kind: ProblemType) -> dict[str, object]:
    document = {"type": f"/errors#{kind.code}", "title": kind.title, "status": kind.status, "detail": kind.title}
    errors = {"errors": [_VIOLATION]} if kind.code == InvalidInput.code else {}
    return {**document, "instance": "/v1/users", "code": kind.code, **errors}


_VIOLATION = {
    "pointer": "/password",
    "code": "password_too_short",
    "detail": "A password has at least 15 characters; a sentence is fine.",
}
