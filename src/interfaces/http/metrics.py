"""What operators watch, for whoever the operator lets see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Protocol

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import SkipValidation
from litestar.response.base import ASGIResponse

from domain.sessions.errors import AuthenticationRequired, InvalidAccessToken
from interfaces.http.authentication import bearer_token
from interfaces.http.health import TAG
from interfaces.http.problem_responses import problems
from interfaces.http.request_context import context_of

TEXT_MEDIA_TYPE = "text/plain"


class Metrics(Protocol):
    """Has the figures ready; no database is asked for them (D07)."""

    def text(self, accept: str) -> tuple[bytes, str]:
        """All of them in the form that an `Accept` header asks for, and its media type."""
        ...


@dataclass(frozen=True, slots=True)
class MetricsReaders:
    """Who may read the figures: whoever presents the token, and whoever asks from one of the networks.

    How often people sign in and fail to is nothing for strangers. So the networks count only where the address is
    sure to be the reader's own: a request that came by a proxy which is not trusted has that proxy's.
    """

    token: str | None = None
    networks: Sequence[IPv4Network | IPv6Network] = ()

    def admit(self, request: Request[Any, Any, Any]) -> None:
        """Raises AuthenticationRequired, InvalidAccessToken."""
        if self._is_near(request):
            return
        given = bearer_token(request.scope["headers"])
        if self.token is None or not compare_digest(given.encode(), self.token.encode()):
            raise InvalidAccessToken("The token is not the one that metrics are read with.")

    def _is_near(self, request: Request[Any, Any, Any]) -> bool:
        context = context_of(request)
        address = context.origin.ip_address
        if address is None or context.is_forwarded_by_a_stranger:
            return False
        return any(ip_address(address) in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """What the route needs: the figures, and who may read them."""

    metrics: Metrics
    readers: MetricsReaders


@get(
    "/metrics",
    operation_id="readMetrics",
    tags=[TAG],
    summary="Read what operators watch",
    description="For Prometheus, in its text form, or as OpenMetrics for whoever asks for it by `Accept`. Needs the"
    " bearer token of `CRM_AUTH_METRICS_TOKEN`, or an address in `CRM_AUTH_METRICS_NETWORKS`; not an access token.",
    responses={
        200: ResponseSpec(
            str, description="All figures of this node.", media_type=TEXT_MEDIA_TYPE, generate_examples=False
        ),
        **problems(AuthenticationRequired, InvalidAccessToken),
    },
)
async def read_metrics(
    request: Request[Any, Any, Any], metrics_page: NamedDependency[SkipValidation[MetricsPage]]
) -> ASGIResponse:
    """Hand out the figures."""
    metrics_page.readers.admit(request)
    body, media_type = metrics_page.metrics.text(request.headers.get("accept", ""))
    return ASGIResponse(body=body, headers={"Content-Type": media_type})
