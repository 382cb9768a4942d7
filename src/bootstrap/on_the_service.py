"""One use case called from the command line, on the server's database or on the embedded one."""

# ruff: noqa: PLC0415 - everything heavy is imported where it is used, see bootstrap.operations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from bootstrap.container import Container

T = TypeVar("T")


def on_the_service(work: "Callable[[Container], Awaitable[T]]") -> T:
    """Do it with all the use cases need, which is closed again whatever happens. Raises OperationFailed."""
    from bootstrap.container import make_container
    from bootstrap.lifespan import running
    from bootstrap.operations import explained, settings_of_environment
    from bootstrap.server import with_database

    async def run() -> T:
        async with running(make_container(resolved)) as container:
            return await work(container)

    with explained(), with_database(settings_of_environment(), join=True) as resolved:
        return asyncio.run(run())
