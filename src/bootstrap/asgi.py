"""The application as an ASGI callable."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from dependency_injector import providers
from litestar import Litestar
from litestar.di import Provide

from bootstrap import logs
from bootstrap.access_log import access_log
from bootstrap.background import working
from bootstrap.container import Container, make_container
from bootstrap.lifespan import running
from bootstrap.metrics import OUTCOMES, count_request, counted, metrics_readers, watching
from bootstrap.settings import Settings
from bootstrap.stuffing import slowing
from bootstrap.watch import on_watch
from infrastructure.metrics.instruments import Counter
from interfaces.http.allowed_hosts import AllowedHosts
from interfaces.http.app import http_app
from interfaces.http.client_address import ClientAddress
from interfaces.http.metrics import MetricsPage
from interfaces.http.other_origins import OtherOrigins
from interfaces.http.sender import Pace
from interfaces.http.who_asks import WhoAsks


def create_app(settings: Settings, container: Container | None = None) -> Litestar:
    """The service, to be served, or mounted under a prefix in another ASGI application.

    ``settings`` name a database and a secret key; ``container`` is for those who replace a part. A host application
    must run this one's lifespan, which opens the database.
    """
    logs.show_no_variables()
    container = container or make_container(settings)
    client_address = ClientAddress(settings.trusted_proxies)
    who_asks = WhoAsks(client_address, settings.public_url)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with (
            running(container),
            watching(container),
            slowing(settings, container.adapters.slowdowns()),
            on_watch(container, who_asks=who_asks, works=settings.worker),
            working(container) if settings.worker else nullcontext(),
        ):
            yield

    return http_app(
        dependencies=litestar_dependencies(container),
        client_address=client_address,
        lifespan=[lifespan],
        documentation=settings.docs,
        public_url=settings.public_url,
        access_log=access_log(settings),
        measure=count_request,
        with_metrics=settings.metrics,
        allowed_hosts=AllowedHosts(settings.allowed_hosts),
        other_origins=OtherOrigins(settings.allowed_origins),
        pace=Pace(settings.request_timeout.total_seconds(), settings.request_min_rate),
        see=who_asks.see,
    )


def litestar_dependencies(container: Container) -> dict[str, Provide]:
    """Every use case by its name, and the parts that HTTP itself needs."""
    use_cases = container.use_cases()
    adapters = container.adapters
    factories = {name: item for name, item in use_cases.providers.items() if isinstance(item, providers.Factory)}
    return {
        **{name: _provide(factory, counted_as=OUTCOMES.get(name)) for name, factory in factories.items()},
        "access_token_verifier": _provide(adapters.access_token_verifier),
        "readiness": _provide(adapters.readiness),
        "jwks": _provide(adapters.key_ring),
        "metrics_page": _provide(
            providers.Singleton(MetricsPage, adapters.metrics, providers.Singleton(metrics_readers, container.settings))
        ),
    }


def _provide(provider: "providers.Provider[Any]", counted_as: Counter | None = None) -> Provide:
    """What the provider makes, made once: it holds no state, and making it for every request is felt.

    Litestar reads a provider's signature, and one of dependency-injector has none to read: hence the closure.
    """
    provided = provider() if counted_as is None else counted(provider(), counted_as)

    def make() -> Any:
        return provided

    return Provide(make, sync_to_thread=False)
