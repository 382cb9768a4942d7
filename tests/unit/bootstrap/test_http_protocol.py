"""Answers leave in one piece, whole and in order, to a client that reads them."""

import asyncio
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from bootstrap.connections import Connections
from bootstrap.one_write import OneWritePerTurn
from bootstrap.server import WorkerProtocol

MUCH = 64 * 1024


class Wire(asyncio.Transport):
    """A transport that keeps what it is given, and how it was cut."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 4000), "sockname": ("127.0.0.1", 8000)})
        self.written: list[bytes] = []
        self.closing = False
        self.waits = 0
        self.is_aborted = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closing = True

    def get_write_buffer_size(self) -> int:
        return self.waits

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.closing


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def transport(wire: Wire) -> OneWritePerTurn:
    return OneWritePerTurn(wire, asyncio.get_running_loop())


async def turn() -> None:
    await asyncio.sleep(0)


async def test_one_turn_is_one_write_and_the_next_another(wire: Wire, transport: OneWritePerTurn) -> None:
    for piece in (b"head ", b"", b"content"):
        transport.write(piece)
    assert wire.written == []
    await turn()
    transport.write(b"more")
    await turn()
    assert wire.written == [b"head content", b"more"]


async def test_much_is_not_gathered(wire: Wire, transport: OneWritePerTurn) -> None:
    transport.write(b"head")
    transport.write(b"." * MUCH)
    assert [len(piece) for piece in wire.written] == [4, MUCH]
    transport.write(b"rest")
    await turn()
    await turn()
    assert b"".join(wire.written) == b"head" + b"." * MUCH + b"rest"


async def test_closing_sends_first(wire: Wire, transport: OneWritePerTurn) -> None:
    transport.write(b"last words")
    transport.close()
    assert (wire.written, wire.closing) == ([b"last words"], True)
    await turn()
    assert wire.written == [b"last words"]


async def test_nothing_is_written_to_a_peer_that_left(wire: Wire, transport: OneWritePerTurn) -> None:
    transport.write(b"too late")
    wire.closing = True
    await turn()
    assert wire.written == []


async def test_the_rest_is_the_transports_own(transport: OneWritePerTurn) -> None:
    assert transport.get_extra_info("peername") == ("192.0.2.1", 4000)
    assert not transport.is_closing()


async def test_an_answer_of_the_server_is_one_write(wire: Wire) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

    config = Config(app, lifespan="off", log_config=None)
    config.load()
    protocol = WorkerProtocol(Connections())(config=config, server_state=ServerState(), app_state={})
    protocol.connection_made(wire)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    for _ in range(5):
        await turn()
    protocol.connection_lost(None)
    [answer] = wire.written
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize(("read", "ends"), [(40 * 1024, False), (40 * 1024 - 1, True), (0, True)])
async def test_d04_of_an_answer_that_waits_so_much_is_read_in_ten_seconds(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, read: int, ends: bool
) -> None:
    config = Config(lambda: None, lifespan="off", log_config=None)
    config.load()
    protocol = WorkerProtocol(Connections())(config=config, server_state=ServerState(), app_state={})
    protocol.connection_made(wire)
    later: list[tuple[float, Any]] = []
    monkeypatch.setattr(protocol.loop, "call_later", lambda seconds, act: later.append((seconds, act)))
    wire.waits = 128 * 1024
    protocol.pause_writing()
    wire.waits -= read
    [(seconds, look)] = later
    look()
    monkeypatch.undo()
    assert (seconds, wire.is_aborted) == (10, ends)
    protocol.connection_lost(None)
