"""The HTTP application: which routes there are, and what surrounds all of them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache

from litestar import Litestar
from litestar.di import Provide
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from interfaces.http import accounts, credentials, health, jwks, metrics, personal_data, photos, recovery, sessions
from interfaces.http.allowed_hosts import AllowedHosts
from interfaces.http.authentication import routes_for_callers
from interfaces.http.bodies import BODY_MAX_BYTES
from interfaces.http.client_address import ClientAddress
from interfaces.http.docs import documentation_routes
from interfaces.http.json_response import JsonResponse
from interfaces.http.middleware import AccessLog, EdgeMiddleware, Measure, See, log_access, measure_nothing, see_nothing
from interfaces.http.openapi import complete_document, openapi_config
from interfaces.http.openapi_route import openapi_route
from interfaces.http.other_origins import OtherOrigins
from interfaces.http.pages import account_freeze, email_verification, page_asset, password_reset
from interfaces.http.problem_catalogue import errors_page
from interfaces.http.problems import problem_exception_handlers
from interfaces.http.request import ShortWayRequest
from interfaces.http.sender import Pace

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

PROVIDED = (
    "register_user",
    "request_sign_up",
    "view_profile",
    "change_profile",
    "log_in",
    "refresh_session",
    "view_session",
    "log_out",
    "change_password",
    "request_password_reset",
    "request_email_verification",
    "confirm_email_verification",
    "reject_email_verification",
    "confirm_password_reset",
    "request_email_change",
    "freeze_account",
    "list_sessions",
    "end_session",
    "end_all_sessions",
    "set_photo",
    "remove_photo",
    "view_photo",
    "export_account",
    "delete_own_account",
    "access_token_verifier",
    "readiness",
    "jwks",
    "metrics_page",
)
"""The names of what the routes need: the use cases, and the ports that HTTP asks itself."""


def http_app(
    *,
    dependencies: Mapping[str, Provide],
    client_address: ClientAddress,
    public_url: str,
    lifespan: Sequence[Lifespan] = (),
    documentation: bool = True,
    access_log: AccessLog | None = log_access,
    measure: Measure = measure_nothing,
    with_metrics: bool = True,
    allowed_hosts: AllowedHosts | None = None,
    other_origins: OtherOrigins | None = None,
    pace: Pace | None = None,
    see: See = see_nothing,
) -> Litestar:
    """The application over its use cases; any number of them live side by side, each under any mount.

    `dependencies` has all of :data:`PROVIDED`; a name that is missing fails here, not in a request. `documentation`
    serves `/docs` and `/openapi.json`; links begin with `public_url`; `access_log` and `measure` are told of every
    request that was answered, and `see` is shown each before; `with_metrics` serves `/metrics`. Who may ask, from
    where and how slowly is anybody, no page of another origin, and what :class:`Pace` has by default.
    """
    if missing := set(PROVIDED) - dependencies.keys():
        raise LookupError(f"The routes need what nothing provides: {', '.join(sorted(missing))}.")
    app = Litestar(
        route_handlers=[
            *_routes(dependencies["access_token_verifier"]),
            *([metrics.read_metrics] if with_metrics else []),
            *([openapi_route(openapi_document), *documentation_routes()] if documentation else []),
        ],
        dependencies=dict(dependencies),
        exception_handlers=problem_exception_handlers(),
        lifespan=list(lifespan),
        # Described apart, by openapi_document: the framework would serve pages of its own.
        openapi_config=None,
        request_max_body_size=BODY_MAX_BYTES,
        response_class=JsonResponse,
        request_class=ShortWayRequest,
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
        public_url=public_url,
        access_log=access_log,
        measure=measure,
        allowed_hosts=allowed_hosts,
        other_origins=other_origins,
        pace=pace,
        see=see,
    )
    return app


@cache
def openapi_document() -> bytes:
    """The OpenAPI document of the application, the same for all of them; needs no container and no database."""
    nothing = {name: _provide_nothing() for name in PROVIDED}
    described = Litestar(
        route_handlers=[*_routes(nothing["access_token_verifier"]), metrics.read_metrics],
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
        recovery.request_password_reset,
        recovery.request_email_verification,
        recovery.confirm_email_verification,
        recovery.reject_email_verification,
        recovery.confirm_password_reset,
        *routes_for_callers(
            [
                accounts.view_profile,
                accounts.change_profile,
                credentials.change_password,
                recovery.request_email_change,
                personal_data.export_account,
                personal_data.delete_account,
                photos.set_photo,
                photos.remove_photo,
                sessions.view_session,
                sessions.log_out,
                sessions.list_sessions,
                sessions.end_session,
                sessions.end_all_sessions,
            ],
            verifier,
        ),
        photos.view_photo,
        jwks.get_jwks,
        health.health_live,
        health.health_ready,
        errors_page,
        email_verification.show_email_verification,
        email_verification.post_email_verification,
        email_verification.show_email_rejection,
        email_verification.post_email_rejection,
        account_freeze.show_account_freeze,
        account_freeze.post_account_freeze,
        password_reset.show_password_reset,
        password_reset.post_password_reset,
        page_asset,
    ]


def _provide_nothing() -> Provide:
    # A function each: the framework refuses one provider under two names.
    return Provide(lambda: None, sync_to_thread=False)
