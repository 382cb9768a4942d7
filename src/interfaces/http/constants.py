"""Dependencies that are the same for every request, given to handlers without being resolved anew each time.

The framework resolves each in a coroutine, inside a stack of contexts made for those that have to be cleaned up, and
several of one handler in a task group. For a use case, which is made once, all of that comes to nothing; it cost a
request 14 us.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from litestar.di import Provide
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute


class Constant(Provide):
    """A dependency that is this value."""

    def __init__(self, value: Any) -> None:
        super().__init__(lambda: value, use_cache=True, sync_to_thread=False)
        self.value = value


class Constants(ReceiveRoutePlugin):
    """Takes the constants among the dependencies of each route out of those that are resolved for a request."""

    def receive_route(self, route: BaseRoute) -> None:
        """Called by the framework for every route that is registered."""
        if not isinstance(route, HTTPRoute):
            return
        for _, model in route.route_handler_map.values():
            dependencies = set().union(*model.dependency_batches)
            constants = {each.key: each.provide.value for each in dependencies if isinstance(each.provide, Constant)}
            if not constants:
                continue
            left = ({each for each in batch if each.key not in constants} for batch in model.dependency_batches)
            model.dependency_batches = [batch for batch in left if batch]
            model.extractors.append(partial(_give, constants))


async def _give(constants: Mapping[str, Any], values: dict[str, Any], _: object) -> None:
    values.update(constants)
