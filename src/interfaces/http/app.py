"""The HTTP application: which routes there are, and what surrounds all of them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache

from litestar import Litestar
from litestar.di import Provide
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from interfaces.http import accounts, health, jwks, sessions
from interfaces.http.authentication import routes_for_callers
from interfaces.http.client_address import ClientAddress
from interfaces.http.docs import documentation_routes
from interfaces.http.json_response import JsonResponse
from interfaces.http.middleware import AccessLog, EdgeMiddleware, log_access
from interfaces.http.openapi import complete_document, openapi_config
from interfaces.http.openapi_route import openapi_route
from interfaces.http.problem_catalogue import errors_page
from interfaces.http.problems import problem_exception_handlers

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

PROVIDED = (
    "register_user",
    "view_profile",
    "log_in",
    "refresh_session",
    "view_session",
    "log_out",
    "access_token_verifier",
    "readiness",
    "jwks",
)
"""The names of what the routes need: the use cases, and the ports that HTTP asks itself."""

_BODY_MAX_BYTES = 16 * 1024
"""Of a route that does not set its own (D04)."""


def http_app(
    *,
    dependencies: Mapping[str, Provide],
    client_address: ClientAddress,
    lifespan: Sequence[Lifespan] = (),
    documentation: bool = True,
    https: bool = False,
    access_log: AccessLog | None = log_access,
) -> Litestar:
    """The application over its use cases; any number of them live side by side, each under any mount.

    `dependencies` has all of :data:`PROVIDED`; a name that is missing fails here, not in a request. `documentation`
    serves `/docs` and `/openapi.json`; `https` sends `Strict-Transport-Security`; `access_log` is told of every
    request that was answered.
    """
    if missing := set(PROVIDED) - dependencies.keys():
        raise LookupError(f"The routes need what nothing provides: {', '.join(sorted(missing))}.")
    app = Litestar(
        route_handlers=[
            *_routes(dependencies["access_token_verifier"]),
            *([openapi_route(openapi_document), *documentation_routes()] if documentation else []),
        ],
        dependencies=dict(dependencies),
        exception_handlers=problem_exception_handlers(),
        lifespan=list(lifespan),
        # Described apart, by openapi_document: the framework would serve pages of its own.
        openapi_config=None,
        request_max_body_size=_BODY_MAX_BYTES,
        response_class=JsonResponse,
        return_dto=None,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    # Litestar's own middleware begins behind the router; unknown routes and methods pass only what is around it.
    app.asgi_handler = EdgeMiddleware(
        app.asgi_handler,
        methods={route.path_format or "/": route.methods for route in app.routes if isinstance(route, HTTPRoute)},
        client_address=client_address,
        https=https,
        access_log=access_log,
    )
    return app


@cache
def openapi_document() -> bytes:
    """The OpenAPI document of the application, the same for all of them; needs no container and no database."""
    nothing = {name: _provide_nothing() for name in PROVIDED}
    described = Litestar(
        route_handlers=_routes(nothing["access_token_verifier"]),
        dependencies=nothing,
        openapi_config=openapi_config(),
        return_dto=None,
        logging_config=None,
    )
    return complete_document(described.openapi_schema.to_schema())


def _routes(verifier: Provide) -> list[ControllerRouterHandler]:
    return [
        accounts.register_user,
        sessions.log_in,
        sessions.refresh_session,
        routes_for_callers([accounts.view_profile, sessions.view_session, sessions.log_out], verifier),
        jwks.get_jwks,
        health.health_live,
        health.health_ready,
        errors_page,
    ]


def _provide_nothing() -> Provide:
    # A function each: the framework refuses one provider under two names.
    return Provide(lambda: None, sync_to_thread=False)
