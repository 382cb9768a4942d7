"""The real application in the process of the tests, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
from litestar import Litestar
from litestar.types import ASGIApp

from bootstrap.asgi import create_app
from bootstrap.settings import Settings
from tests.support.client import PATIENCE, ServiceClient
from tests.support.server import HASH_WAIT, SECRET_KEY, scratch_folder

HERE = "127.0.0.1"


def settings_for(database_url: str, **changes: Any) -> Settings:
    """Settings under which no test waits long; ``changes`` by field."""
    given: dict[str, Any] = {
        "database_url": database_url,
        "secret_key": (SECRET_KEY,),
        "data_dir": scratch_folder(),
        "hash_workers": 8,
        "hash_wait": HASH_WAIT,
        "worker": False,
        "database_start_timeout": timedelta(seconds=30),
    }
    return Settings(**given | changes)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[ServiceClient]:
    """A client of the application, which lives for as long as the context lasts."""
    app = create_app(settings)
    async with alive(app), client_in_process(app) as client:
        yield client


@asynccontextmanager
async def alive(app: Litestar) -> AsyncIterator[None]:
    """Runs the application's lifespan, as a server does: in one task from its start to its end."""
    began, ending = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            began.set()
            await ending.wait()

    life, beginning = asyncio.create_task(live()), asyncio.create_task(began.wait())
    try:
        await asyncio.wait({life, beginning}, return_when=asyncio.FIRST_COMPLETED)
        if began.is_set():
            yield
    finally:
        beginning.cancel()
        ending.set()
        await life


@asynccontextmanager
async def client_in_process(app: ASGIApp, address: str = HERE, base: str = "") -> AsyncIterator[ServiceClient]:
    """A client that calls the application as a server would, from ``address``; all paths are below ``base``."""
    transport = httpx.ASGITransport(app=app, client=(address, 50_000))  # type: ignore[arg-type]  # the same, spelt twice
    async with httpx.AsyncClient(transport=transport, base_url=f"http://test{base}", timeout=PATIENCE) as http:
        yield ServiceClient(http)
