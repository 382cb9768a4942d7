"""Whether the service runs, and whether it can answer."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal, Protocol

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import SkipValidation
from msgspec import Struct
from msgspec.structs import asdict

from domain.errors import ServiceUnavailable
from interfaces.http.problem_responses import problems
from interfaces.http.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemType, problem_document, problem_headers
from interfaces.http.request_context import context_of

TAG = "Operation"

PartState = Literal["ok", "unavailable"]


class Readiness(Protocol):
    """Knows the parts that an answer depends on."""

    async def parts(self) -> Mapping[str, bool]:
        """Each part by its name, and whether it works. Quick: probes ask every few seconds."""
        ...


class LiveBody(Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyBody(Struct, frozen=True, kw_only=True):
    """Every part works."""

    status: Literal["ok"] = "ok"
    parts: dict[str, PartState]


class NotReadyProblem(Problem, frozen=True, kw_only=True):
    """The problem document of a service that cannot answer; `parts` is an extension member (RFC 9457 3.2)."""

    parts: dict[str, PartState]


@get(
    "/health/live",
    operation_id="healthLive",
    tags=[TAG],
    summary="Whether the process runs",
    description="Asks nothing of any other part: restarting the process is what helps when this fails.",
    response_description="It runs.",
)
async def health_live() -> LiveBody:
    """Say so."""
    return LiveBody()


@get(
    "/health/ready",
    operation_id="healthReady",
    tags=[TAG],
    summary="Whether the service can answer",
    description="For load balancers: names each part that an answer depends on, and how it is.",
    response_description="It can.",
    responses={
        **problems(),
        503: ResponseSpec(
            NotReadyProblem,
            description="It cannot, `service_unavailable`: `parts` says why.",
            media_type=PROBLEM_MEDIA_TYPE,
            generate_examples=False,
        ),
    },
)
async def health_ready(
    request: Request[Any, Any, Any], readiness: NamedDependency[SkipValidation[Readiness]]
) -> Response[ReadyBody]:
    """Say how the parts are; 503 when one does not work."""
    works = await readiness.parts()
    parts: dict[str, PartState] = {name: "ok" if ok else "unavailable" for name, ok in works.items()}
    if all(works.values()):
        return Response(ReadyBody(parts=parts))
    return _not_ready(request, parts)


def _not_ready(request: Request[Any, Any, Any], parts: dict[str, PartState]) -> Response[Any]:
    kind = ProblemType.of(ServiceUnavailable)
    document = NotReadyProblem(**asdict(problem_document(kind, context_of(request))), parts=parts)
    return Response(
        document,
        status_code=HTTPStatus.SERVICE_UNAVAILABLE,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=problem_headers(kind),
    )
