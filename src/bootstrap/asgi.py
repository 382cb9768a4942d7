"""The application as an ASGI callable."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dependency_injector import providers
from litestar import Litestar
from litestar.di import Provide

from bootstrap import logs
from bootstrap.access_log import access_log
from bootstrap.container import Container, make_container
from bootstrap.lifespan import running
from bootstrap.settings import Settings
from interfaces.http.app import http_app
from interfaces.http.client_address import ClientAddress


def create_app(settings: Settings, container: Container | None = None) -> Litestar:
    """The service, to be served, or mounted under a prefix in another ASGI application.

    ``settings`` name a database and a secret key; ``container`` is for those who replace a part. A host application
    must run this one's lifespan, which opens the database.
    """
    logs.show_no_variables()
    container = container or make_container(settings)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with running(container):
            yield

    return http_app(
        dependencies=litestar_dependencies(container),
        client_address=ClientAddress(settings.trusted_proxies),
        lifespan=[lifespan],
        documentation=settings.docs,
        https=settings.public_url.startswith("https:"),
        access_log=access_log(settings),
    )


def litestar_dependencies(container: Container) -> dict[str, Provide]:
    """Every use case by its name, and the three parts that HTTP itself needs."""
    use_cases = container.use_cases()
    adapters = container.adapters
    factories = {name: item for name, item in use_cases.providers.items() if isinstance(item, providers.Factory)}
    return {
        **{name: _provide(factory) for name, factory in factories.items()},
        "access_token_verifier": _provide(adapters.access_token_verifier),
        "readiness": _provide(adapters.readiness),
        "jwks": _provide(adapters.key_ring),
    }


def _provide(provider: "providers.Provider[Any]") -> Provide:
    """What the provider makes, made once: it holds no state, and making it for every request is felt.

    Litestar reads a provider's signature, and one of dependency-injector has none to read: hence the closure.
    """
    provided = provider()

    def make() -> Any:
        return provided

    return Provide(make, sync_to_thread=False)
