"""Who sent a request: they are to send its body in bounded time, and may leave before it is answered."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from litestar.types import HTTPReceiveMessage, Receive, Scope

from interfaces.http.problems import REQUEST_TIMEOUT, Refused

BODY_IS_HERE = "crm_auth.body_is_here"
"""Set in the `state` of a request by a server that has all of its body: then there is nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The least that a sender has to keep up: `patience` seconds, and one more for each `rate` bytes that have come.

    So a small body has a fixed time whatever it trickles in, and a large one takes as long as a poor line needs (D04).
    """

    patience: float = 10.0
    rate: int = 16 * 1024

    def seconds_for(self, size: int) -> float:
        """How long a body may take of which so many bytes have come."""
        return self.patience + size / self.rate


class Sender:
    """The Asker of a request, and the `receive` that the application is given in the place of the server's."""

    __slots__ = ("_came", "_is_whole", "_loop", "_pace", "_receive", "_scope", "_since")

    def __init__(self, scope: Scope, receive: Receive, pace: Pace) -> None:
        self._scope = scope
        self._receive = receive
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._came = 0
        self._is_whole = False

    async def receive(self) -> HTTPReceiveMessage:
        """The next part of the body. Raises Refused `request_timeout` when it is late."""
        # Once the body is there, what comes is the word that the sender has left: that has no time.
        if self._is_whole or BODY_IS_HERE in self._scope.get("state", ()):
            message = cast("HTTPReceiveMessage", await self._receive())
        else:
            message = await self._in_time()
        if message["type"] == "http.request":
            self._came += len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)
        return message

    async def _in_time(self) -> HTTPReceiveMessage:
        try:
            async with asyncio.timeout_at(self._since + self._pace.seconds_for(self._came)):
                return cast("HTTPReceiveMessage", await self._receive())
        except TimeoutError:
            raise self._late() from None

    @contextmanager
    def leaving_calls(self, act: Callable[[], object]) -> Iterator[None]:
        """As the port has it. Nobody is watched whose body is still on its way: its reader hears it by itself."""
        if not self._is_whole:
            yield
            return
        watch = asyncio.create_task(self._watch(act))
        try:
            yield
        finally:
            watch.cancel()

    async def _watch(self, act: Callable[[], object]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        act()

    def _late(self) -> Refused:
        detail = f"Of the body {self._came:,} bytes came in {self._pace.seconds_for(self._came):,.0f} s."
        # The rest may still come, and would be taken for the next request. HTTP/2 has no such header, and no such need.
        close = {"Connection": "close"} if self._scope.get("http_version", "1.1").startswith("1") else {}
        return Refused(REQUEST_TIMEOUT, detail, headers=close)
