"""Clients that take their time, or take none of what they asked for (D04), on the server as it is run."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from application.origin import Origin
from application.sessions.log_in import LogInRequest
from bootstrap import connections, http_protocol
from domain.sessions.errors import InvalidCredentials
from infrastructure.passwords.hashing_pool import HashingPool
from interfaces.http.sender import Pace
from tests.support.listening import Line, Listening, listening, until
from tests.unit.interfaces.http.fake_service import CREDENTIALS, GOOD_TOKEN, FakeService

ASK = b"GET /v1/users/me HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer " + GOOD_TOKEN.encode() + b"\r\n\r\n"
LOG_IN = b"POST /v1/sessions HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n"
BODY = json.dumps(CREDENTIALS).encode()
HALF_HEAD = LOG_IN
HALF_BODY = LOG_IN + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:5]
LARGEST = "/docs/assets/swagger-ui-bundle.min.js"
PICTURE = bytes(range(250)) * 2000
SLICE = 64 * 1024
OPEN_FILES = Path("/proc/self/fd")
SOON = 0.05
"""Seconds of patience, where a test waits for its end."""


@asynccontextmanager
async def serving(
    service: FakeService, *, patience: float = 10.0, most: int = 1000, rate: int = 16 * 1024
) -> AsyncIterator[Listening]:
    app = service.app(access_log=None, pace=Pace(patience, rate))
    async with listening(app, most=most, patience=patience) as server:
        yield server


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.mark.parametrize("half", [HALF_HEAD, b"G", b"\r\n", ASK[:-2]], ids=["head", "letter", "empty line", "nearly"])
async def test_d04_half_a_head_is_waited_for_so_long_and_no_longer(service: FakeService, half: bytes) -> None:
    async with serving(service, patience=SOON) as server:
        answer = await server.ask(half)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_timeout"' in answer
        await until(lambda: server.open == 0)


async def test_d04_a_connection_without_a_word_ends_without_one(service: FakeService) -> None:
    async with serving(service, patience=SOON) as server:
        assert await server.ask(b"") == b""
        await until(lambda: server.open == 0)


@pytest.mark.parametrize("again", [HALF_HEAD, b"\r\n"])
async def test_d04_the_second_head_of_a_connection_too(service: FakeService, again: bytes) -> None:
    async with serving(service, patience=SOON) as server:
        line = await server.connect()
        line.send(ASK)
        assert (await line.answer())[0] == 200
        line.send(again)
        assert (await line.answer())[0] == 408
        assert await line.all() == b""
        line.close()


@pytest.mark.parametrize("how", [b"Content-Length: 100\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_d04_half_a_body_is_408_and_frees_everything(service: FakeService, how: bytes) -> None:
    async with serving(service, patience=SOON) as server:
        answer = await server.ask(LOG_IN + how)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_timeout"' in answer
        assert b"connection: close" in answer.lower()
        await until(lambda: server.open == server.at_work == 0)
    assert service.log_in.calls == []


async def test_d04_a_body_that_trickles_gains_no_time(service: FakeService) -> None:
    async with serving(service, patience=SOON) as server:
        line = await server.connect()
        line.send(LOG_IN + b"Content-Length: 10000\r\n\r\n")

        async def trickle() -> None:
            while True:
                line.send(b" ")
                await asyncio.sleep(SOON / 10)

        trickling = asyncio.create_task(trickle())
        status, _, body = await line.answer()
        trickling.cancel()
        line.close()
    assert (status, json.loads(body)["code"]) == (408, "request_timeout")


async def test_d04_a_large_body_on_a_poor_line_has_the_time_it_needs(service: FakeService) -> None:
    """What has come buys more: the body below would be late by the patience alone."""
    picture = b"\x89PNG" + b"x" * 20_000
    head = LOG_IN.replace(b"POST /v1/sessions", b"PUT /v1/users/me/photo").replace(b"application/json", b"image/png")
    head += b"Authorization: Bearer " + GOOD_TOKEN.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(picture)
    async with serving(service, patience=SOON, rate=100) as server:
        line = await server.connect()
        line.send(head + picture[:10_000])
        await asyncio.sleep(SOON * 3)
        line.send(picture[10_000:])
        assert (await line.answer())[0] == 200
        line.close()


async def test_d04_nobody_goes_on_sending_to_an_answer_that_is_out(service: FakeService) -> None:
    async with serving(service, patience=SOON) as server:
        line = await server.connect()
        line.send(LOG_IN + b"Content-Length: 99999999\r\n\r\n" + b"x" * 1000)
        assert (await line.answer())[0] == 413
        assert await line.all() == b""
        await until(lambda: server.open == 0)
        line.close()


async def test_d04_a_connection_lives_on_when_the_rest_of_a_refused_body_comes(service: FakeService) -> None:
    async with serving(service) as server:
        line = await server.connect()
        line.send(LOG_IN + b"Content-Length: 40000\r\n\r\n" + b"x" * 1000)
        assert (await line.answer())[0] == 413
        line.send(b"x" * 39_000 + ASK)
        assert (await line.answer())[0] == 200
        line.close()


async def test_d04_an_answer_that_is_not_read_is_not_kept(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "_STALLED_SECONDS", SOON)

    async def long_answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})

    async with listening(long_answer) as server:
        line = await server.connect()
        line.send(ASK)
        await until(lambda: server.at_work == 1)
        await until(lambda: server.open == server.at_work == 0)
        line.close()


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode()


@asynccontextmanager
async def deaf(server: Listening, count: int, asked: bytes) -> AsyncIterator[list[socket.socket]]:
    """So many clients that have asked, and whose system takes next to nothing in; their answers wait by now."""
    lines = []
    for _ in range(count):
        lines.append(line := socket.socket())
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", server.port))
    await until(lambda: server.open == count)
    hold_little(server)
    for line in lines:
        line.sendall(asked)
    await until(lambda: all(connection.flow.write_paused for connection in protocols(server)))
    yield lines
    for line in lines:
        line.close()


def protocols(server: Listening) -> list[Any]:
    return list(server.state.connections)


def hold_little(server: Listening) -> None:
    """Have the system keep little of an answer, so that the server has to keep the rest."""
    for connection in protocols(server):
        connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)


@pytest.mark.parametrize("path", [LARGEST, "/openapi.json", "/v1/photos/any"])
async def test_d04_of_a_large_answer_that_is_not_read_little_is_kept(service: FakeService, path: str) -> None:
    service.view_photo.outcome = PICTURE
    async with serving(service) as server, deaf(server, 20, get(path)):
        kept = [connection.transport.get_write_buffer_size() for connection in protocols(server)]
    assert len(kept) == 20
    assert max(kept) < 2 * SLICE + 2048


async def test_d04_whoever_reads_gets_all_of_a_large_answer_and_the_next_one(service: FakeService) -> None:
    service.view_photo.outcome = PICTURE
    bundle = files("interfaces.http.docs").joinpath("assets", LARGEST.rpartition("/")[2]).read_bytes()
    assert len(bundle) > 20 * SLICE
    async with serving(service) as server:
        line = await server.connect()
        await until(lambda: server.open == 1)
        hold_little(server)
        for path, content in ((LARGEST, bundle), ("/v1/photos/any", PICTURE), (LARGEST, bundle)):
            line.send(get(path))
            status, _, body = await line.answer()
            assert (status, body == content) == (200, True)
        line.send(get("/openapi.json"))
        assert json.loads((await line.answer())[2])["openapi"]
        line.send(get(LARGEST, "HEAD") + ASK)
        head = await line.reader.readuntil(b"\r\n\r\n")
        assert b"content-length: %d\r\n" % len(bundle) in head.lower()
        assert (await line.answer())[0] == 200
        line.close()


async def test_d04_answers_that_are_not_read_are_in_nobodys_way(service: FakeService) -> None:
    async with serving(service, most=3) as server, deaf(server, 3, get(LARGEST)):
        assert server.at_work == 3
        line = await server.connect()
        line.send(ASK)
        assert (await line.answer())[0] == 200
        line.close()


async def test_d04_who_reads_on_is_in_its_right_again() -> None:
    """And is not the one who has to go, while its request is at work."""
    go_on = asyncio.Event()

    async def half_at_first(scope: Any, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % (9 * SLICE))]}
        )
        await send({"type": "http.response.body", "body": b"x" * 8 * SLICE, "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"x" * SLICE})

    async with listening(half_at_first, most=1) as server, deaf(server, 1, ASK) as [raw]:
        reader, writer = await asyncio.open_connection(sock=raw)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(8 * SLICE)
        assert (await server.ask(ASK)).startswith(b"HTTP/1.1 503 ")
        go_on.set()
        assert await reader.readexactly(SLICE) == b"x" * SLICE
        writer.close()


async def test_d04_the_end_of_a_body_makes_nobody_read() -> None:
    """An answer that came before its request was whole may be left unread as well."""

    async def early(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):
            await send({"type": "http.response.body", "body": b"x" * SLICE, "more_body": True})

    async with listening(early, most=1) as server, deaf(server, 1, LOG_IN + b"Content-Length: 5\r\n\r\n") as [line]:
        [connection] = protocols(server)
        line.sendall(b"12345")
        await until(lambda: not connection.cycle.more_body)
        other = await server.connect()
        await until(lambda: protocols(server) not in ([], [connection]))
        other.close()


def open_files() -> int:
    return len(list(OPEN_FILES.iterdir()))


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="only Linux tells which files are open")
async def test_d04_refused_connections_do_not_use_up_the_files(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "_REFUSED_SECONDS", 600)
    monkeypatch.setattr(connections, "_LINGERING_MAX", 4)
    async with serving(service) as server:
        before, lines = open_files(), []
        for _ in range(30):
            lines.append(line := await server.connect())
            line.send(b"no request\r\n\r\n")
            assert (await line.answer())[0] == 400
        assert server.open == 0
        await until(lambda: open_files() <= before + len(lines) + 4)
        for line in lines:
            line.close()


async def test_d04_what_is_refused_behind_a_request_at_work_is_still_counted() -> None:
    go_on = asyncio.Event()

    async def busy(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with listening(busy) as server:
        line = await server.connect()
        line.send(ASK + b"no request\r\n\r\n")
        await until(lambda: server.at_work == 1)
        assert server.open == 1
        go_on.set()
        assert (await line.all()).count(b"HTTP/1.1 204 ") == 1
        await until(lambda: server.open == 0)
        line.close()


async def test_d04_half_sent_requests_are_in_nobodys_way(service: FakeService) -> None:
    """More of them than there may be connections, and every whole request is answered."""
    async with serving(service, most=50) as server:
        lines: list[Line] = []
        for number in range(150):
            lines.append(line := await server.connect())
            line.send((HALF_HEAD, HALF_BODY)[number % 2] if number % 3 else b"")
            if number % 10 == 0:
                whole = await server.connect()
                whole.send(ASK)
                assert (await whole.answer())[0] == 200
                lines.append(whole)
        await until(lambda: server.open <= 50)
        # The oldest went; the newest is still heard.
        lines[-1].send(BODY[5:])
        assert (await lines[-1].answer())[0] == 201
        for line in lines:
            line.close()
        await until(lambda: server.open == server.at_work == 0)
    assert len(service.view_profile.calls) == 15
    assert len(service.log_in.calls) == 1


async def test_d04_where_all_are_at_work_one_more_is_told_to_come_back(service: FakeService) -> None:
    go_on = asyncio.Event()

    async def busy(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with listening(busy, most=3) as server:
        lines = [await server.connect() for _ in range(3)]
        for line in lines:
            line.send(ASK)
        await until(lambda: server.at_work == 3)
        answer = await server.ask(ASK)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in answer
        assert b'"code":"overloaded"' in answer
        go_on.set()
        for line in lines:
            assert (await line.answer())[0] == 204
            line.close()


@pytest.mark.parametrize("how", ["closes", "resets"])
async def test_d01_a_password_is_not_hashed_for_who_has_left(how: str) -> None:
    """Who hangs up while others are hashed gives the place in the queue back, and costs nothing any more."""
    pool, begun, go_on = HashingPool(workers=1, max_wait=60.0), threading.Event(), threading.Event()
    hashed: list[str] = []

    async def log_in(request: LogInRequest, _: Origin) -> Any:
        def work() -> None:
            hashed.append(request.identifier)
            begun.set()
            assert go_on.wait(60)

        await pool.run(work)
        raise InvalidCredentials

    service = FakeService()
    service.log_in = log_in  # type: ignore[assignment]  # a use case is whatever is called like one
    async with serving(service) as server:
        first = await server.connect()
        first.send(log_in_as("first"))
        await asyncio.to_thread(begun.wait, 60)
        leaving = [await server.connect() for _ in range(5)]
        for line in leaving:
            line.send(log_in_as("leaves"))
        await until(lambda: server.at_work == 6)
        for line in leaving:
            if how == "resets":
                line.writer.transport.abort()
            line.close()
        await until(lambda: server.at_work == 1)
        last = await server.connect()
        last.send(log_in_as("stays"))
        await until(lambda: server.at_work == 2)
        go_on.set()
        for line in (first, last):
            assert (await line.answer())[0] == 401
            line.close()
    pool.close()
    assert hashed == ["first", "stays"]


def log_in_as(identifier: str) -> bytes:
    body = json.dumps({**CREDENTIALS, "identifier": identifier}).encode()
    return LOG_IN + b"Content-Length: %d\r\n\r\n" % len(body) + body
