"""A proxy between a client and PostgreSQL that counts round trips where they happen: at the wire.

It reads the frontend's side of the protocol (PostgreSQL manual, 55.7) and nothing of what the messages say.
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

_WAITED_FOR = {b"Q": "Query", b"S": "Sync", b"H": "Flush"}
"""The messages after which a client has to wait for the server."""


@dataclass
class Wire:
    """``url`` leads through the proxy; ``round_trips`` is counted up from when it was last set."""

    url: str = ""
    round_trips: int = 0
    connections: int = 0


@asynccontextmanager
async def counting(database_url: str) -> AsyncIterator[Wire]:
    """A proxy in front of that database, for as long as the context lasts."""
    wire, links = Wire(), set[asyncio.Task[None]]()

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        links.add(task)
        wire.connections += 1
        upstream_reader, upstream_writer = await connect_to(database_url)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_count(reader, upstream_writer, wire))
                ways.create_task(pass_on(upstream_reader, writer))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            upstream_writer.close()
            writer.close()
            links.discard(task)

    async with await asyncio.start_server(link, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        parts = urlsplit(database_url)
        account = parts.netloc.rpartition("@")[0]
        # No TLS: its request is no message of the protocol.
        wire.url = f"postgresql://{account}@127.0.0.1:{port}{parts.path}?sslmode=disable"
        yield wire
        for task in links:
            task.cancel()


async def connect_to(database_url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(database_url)
    options = parse_qs(parts.query)
    if folder := options.get("host"):
        return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{options['port'][0]}")
    return await asyncio.open_connection(parts.hostname, parts.port or 5432)


async def _count(reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, wire: Wire) -> None:
    """The frontend's messages, each once it is whole. The first has no type."""
    length = await reader.readexactly(4)
    upstream.write(length + await reader.readexactly(_size(length)))
    while True:
        kind = await reader.readexactly(1)
        length = await reader.readexactly(4)
        wire.round_trips += kind in _WAITED_FOR
        upstream.write(kind + length + await reader.readexactly(_size(length)))
        await upstream.drain()


async def pass_on(upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await upstream.read(65536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError


def _size(length: bytes) -> int:
    (size,) = struct.unpack(">I", length)
    return int(size) - 4
