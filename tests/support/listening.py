"""An application behind the product's own server and protocol, in the loop of the test, and raw sockets to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from uvicorn import Config
from uvicorn.server import ServerState

from bootstrap.connections import Connections
from bootstrap.server import WorkerProtocol

LIMIT = 60.0
"""Seconds that anything may take; no test waits for it unless it fails."""


@dataclass(frozen=True)
class Listening:
    state: ServerState
    port: int

    @property
    def at_work(self) -> int:
        """How many requests the application is at."""
        return len(self.state.tasks)

    @property
    def open(self) -> int:
        return len(self.state.connections)

    async def connect(self) -> "Line":
        return await Line.to(self.port)

    async def ask(self, sent: bytes) -> bytes:
        """All that comes back until the server closes, on a connection of its own."""
        line = await self.connect()
        line.send(sent)
        try:
            return await line.all()
        finally:
            line.close()


@dataclass(frozen=True)
class Line:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, bytes, bytes]:
        """Status, head and body of the next answer."""
        async with asyncio.timeout(LIMIT):
            head = await self.reader.readuntil(b"\r\n\r\n")
            lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            return int(head[9:12]), head, await self.reader.readexactly(int(lengths[0]) if lengths else 0)

    async def all(self) -> bytes:
        """Until the server closes, which a reset is as well."""
        got = b""
        async with asyncio.timeout(LIMIT):
            try:
                while part := await self.reader.read(65536):
                    got += part
            except ConnectionResetError:
                pass
        return got

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def listening(app: Any, *, most: int = 1000, patience: float = 10.0) -> AsyncIterator[Listening]:
    """The application on a port of this machine, for as long as the context lasts."""
    config = Config(app, ws="none", lifespan="off", log_config=None, server_header=False, date_header=False)
    config.load()
    state, connections = ServerState(), Connections(most, patience)

    loop = asyncio.get_running_loop()

    def protocol() -> Any:
        return WorkerProtocol(connections)(config=config, server_state=state, app_state={}, _loop=loop)

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    try:
        yield Listening(state, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()  # type: ignore[union-attr]  # not one of another protocol
        await until(lambda: not state.connections and not state.tasks)


async def until(look: Any) -> None:
    """Wait for what is seen to be so."""
    async with asyncio.timeout(LIMIT):
        while not look():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.005)
