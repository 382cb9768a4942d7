"""Requests that are not what HTTP/1.1 has, through raw sockets to the server as it is run (H01, H11).

Whatever two readers of one stream could cut differently is refused and ends the connection, so that nobody behind or
before us finds a second request in what we took for the body of the first (RFC 9112 11.2).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from bootstrap import http_protocol
from tests.support.listening import Listening, listening, until
from tests.unit.interfaces.http.fake_service import CREDENTIALS, GOOD_TOKEN, FakeService

BODY = json.dumps(CREDENTIALS).encode()
HEAD = b"POST /v1/sessions HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
SMUGGLED = b"GET /v1/users/me HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer " + GOOD_TOKEN.encode() + b"\r\n\r\n"

BROKEN = {
    "length and chunks": HEAD + LENGTH + CHUNKED + b"\r\n" + CHUNKS,
    "chunks and length": HEAD + CHUNKED + LENGTH + b"\r\n" + CHUNKS,
    "length and chunks, short": HEAD + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": HEAD + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY,
    "two equal lengths": HEAD + LENGTH + LENGTH + b"\r\n" + BODY,
    "a list of lengths": HEAD + b"Content-Length: 5, 5\r\n\r\n" + BODY,
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n" + BODY,
    "signed length": HEAD + b"Content-Length: +5\r\n\r\n" + BODY,
    "hexadecimal length": HEAD + b"Content-Length: 0x10\r\n\r\n" + BODY,
    "endless length": HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + BODY,
    "empty length": HEAD + b"Content-Length: \r\n\r\n" + BODY,
    "length with a space inside": HEAD + b"Content-Length: 1 0\r\n\r\n" + BODY,
    "unknown coding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + CHUNKS,
    "chunked and then another": HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + CHUNKS,
    "chunked twice": HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
    "two codings": HEAD + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + CHUNKS,
    "identity": HEAD + b"Transfer-Encoding: identity\r\n\r\n" + BODY,
    "nearly chunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "chunked by vertical tab": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
    "name with a space": HEAD + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "chunks in HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n" + CHUNKS,
    "chunk size that is none": HEAD + CHUNKED + b"\r\nxyz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "negative chunk size": HEAD + CHUNKED + b"\r\n-5\r\n" + BODY + b"\r\n0\r\n\r\n",
    "prefixed chunk size": HEAD + CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "endless chunk size": HEAD + CHUNKED + b"\r\n" + b"F" * 17 + b"\r\n" + BODY,
    "chunk without its end": HEAD + CHUNKED + b"\r\n5\r\nhelloX\r\n0\r\n\r\n",
    "chunk size by a line feed": HEAD + CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n",
    "name folded": HEAD + b"X-A: 1\r\n\tTransfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + BODY,
    "value folded": HEAD + b"X-A: 1\r\n 2\r\n" + LENGTH + b"\r\n" + BODY,
    "first header folded": b"GET /health/live HTTP/1.1\r\n Host: a.test\r\n\r\n",
    "NUL in a value": b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nX-A: a\x00b\r\n\r\n",
    "NUL in a name": b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nX\x00A: a\r\n\r\n",
    "NUL in the target": b"GET /health/\x00live HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "bare CR in a value": b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nX-A: a\rX-B: b\r\n\r\n",
    "bare LF everywhere": b"GET /health/live HTTP/1.1\nHost: a.test\n\n",
    "no name": b"GET /health/live HTTP/1.1\r\nHost: a.test\r\n: a\r\n\r\n",
    "no colon": b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nX-A\r\n\r\n",
    "no version": b"GET /health/live\r\nHost: a.test\r\n\r\n",
    "version of long ago": b"GET /health/live HTTP/0.9\r\nHost: a.test\r\n\r\n",
    "version to come": b"GET /health/live HTTP/3.7\r\nHost: a.test\r\n\r\n",
    "version that is none": b"GET /health/live HTTP/1.1x\r\nHost: a.test\r\n\r\n",
    "HTTP/2 by itself": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "target with a space": b"GET /health/live x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "no target": b"GET  HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "tabs for spaces": b"GET\t/health/live\tHTTP/1.1\r\nHost: a.test\r\n\r\n",
    "method of no letters": b"G\x01T /health/live HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n",
    "two equal hosts": b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n",
    "absolute form of another host": b"GET http://b.test/health/live HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "absolute form of another port": b"GET http://a.test:81/health/live HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "absolute form with a user": b"GET http://x@a.test/health/live HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "absolute form of a file": b"GET file://a.test/health/live HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "tunnel": b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
    "random bytes": bytes(range(1, 256)) * 4,
}


@pytest.fixture(scope="module")
def served() -> tuple[FakeService, Any]:
    """Making an application takes longer than all that a test does with it."""
    service = FakeService()
    return service, service.app(access_log=None)


@pytest.fixture
def service(served: tuple[FakeService, Any]) -> FakeService:
    for use_case in (served[0].log_in, served[0].view_profile):
        use_case.calls.clear()
    return served[0]


@pytest.fixture
async def server(served: tuple[FakeService, Any], service: FakeService) -> AsyncIterator[Listening]:
    async with listening(served[1]) as server:
        yield server


@pytest.mark.parametrize("name", BROKEN)
async def test_h01_h11_what_is_no_request_is_refused_and_ends_the_connection(
    server: Listening, service: FakeService, name: str
) -> None:
    # Something sound comes behind it: it is not to be taken for a request.
    answer = await server.ask(BROKEN[name] + SMUGGLED)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert json.loads(body)["code"] == "bad_request"
    for line in (b"application/problem+json", b"connection: close", b"nosniff", b"cache-control: no-store"):
        assert line in head.lower()
    assert b"server:" not in head.lower()
    assert b"uvicorn" not in answer
    assert service.log_in.calls == service.view_profile.calls == []
    assert server.at_work == 0


SOUND = {
    "length": HEAD + LENGTH + b"\r\n" + BODY,
    "chunks": HEAD + CHUNKED + b"\r\n" + CHUNKS,
    "a chunk a byte": HEAD + CHUNKED + b"\r\n" + b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n",
    "chunks with a trailer": HEAD + CHUNKED + b"\r\n" + CHUNKS[:-2] + b"X-A: x\r\n\r\n",
    "chunks with extensions": HEAD + CHUNKED + b"\r\n%x;a=b\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "absolute form": HEAD.replace(b"/v1", b"http://a.test/v1") + LENGTH + b"\r\n" + BODY,
    "empty lines before it": b"\r\n\r\n" + HEAD + LENGTH + b"\r\n" + BODY,
    "expectation": HEAD + b"Expect: 100-continue\r\n" + LENGTH + b"\r\n" + BODY,
    "HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + LENGTH + b"\r\n" + BODY,
}


@pytest.mark.parametrize("name", SOUND)
async def test_h11_what_is_a_request_is_answered(server: Listening, service: FakeService, name: str) -> None:
    line = await server.connect()
    line.send(SOUND[name])
    status, head, _ = await line.answer()
    if status == 100:
        status, head, _ = await line.answer()
    assert status == 201, head
    assert len(service.log_in.calls) == 1
    line.close()


async def test_h11_what_is_refused_is_logged_without_what_was_sent_and_counted(
    server: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, str, int | None]] = []
    monkeypatch.setattr(http_protocol, "count_request", lambda *told: counted.append(told[:3]))
    with structlog.testing.capture_logs() as entries:
        await server.ask(b"GET /canary\x00 HTTP/1.1\r\nHost: canary\r\n\r\n")
    assert counted == [("other", "unmatched", 400)]
    assert [entry["event"] for entry in entries] == ["request_refused"]
    assert "canary" not in str(entries)


async def test_h11_what_comes_behind_an_upgrade_is_no_request(server: Listening, service: FakeService) -> None:
    """There is nothing to change to; whatever a client says then, it is not HTTP/1.1 any more."""
    upgrade = b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    answer = await server.ask(upgrade + SMUGGLED)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert service.view_profile.calls == []


async def test_h11_what_comes_later_behind_an_upgrade_is_not_even_read() -> None:
    proceed = asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        await proceed.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async with listening(slow) as server:
        line = await server.connect()
        line.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        await until(lambda: server.at_work)
        (connection,) = server.state.connections
        connection.data_received(SMUGGLED)  # type: ignore[union-attr]  # not one of another protocol
        assert not connection.pipeline  # type: ignore[union-attr]
        proceed.set()
        assert (await line.all()).count(b"HTTP/1.1 ") == 1
        line.close()


async def test_l04_h11_what_comes_behind_a_body_is_no_header_of_the_request() -> None:
    """A header there was judged by nobody: neither their number nor what they say of who asks (RFC 9110 6.5.1)."""
    told: list[list[tuple[bytes, bytes]]] = []

    async def tell(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        told.append(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async with listening(tell) as server:
        line = await server.connect()
        line.send(HEAD + CHUNKED + b"\r\n" + CHUNKS[:-2] + b"X-Forwarded-For: 192.0.2.1\r\nX-A: 1\r\n\r\n" + SMUGGLED)
        assert [(await line.answer())[0] for _ in range(2)] == [200, 200]
        line.close()
    names = [[name for name, _ in headers] for headers in told]
    assert names == [[b"host", b"content-type", b"transfer-encoding"], [b"host", b"authorization"]]


ENDLESS = {
    "headers behind a body": CHUNKS[:-2] + b"a:\r\n" * 150_000,
    "a name behind a body": CHUNKS[:-2] + b"a" * 600_000,
    "a value behind a body": CHUNKS[:-2] + b"a: " + b"a" * 600_000,
    "an extension of a chunk": b"1;" + b"a" * 600_000,
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_d04_h11_what_comes_around_a_body_ends_at_the_limit_of_a_head(
    server: Listening, service: FakeService, name: str
) -> None:
    answer = await server.ask(HEAD + CHUNKED + b"\r\n" + ENDLESS[name])
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 431 ") == 1, answer
    assert service.log_in.calls == []


async def test_h11_what_was_sent_before_is_answered_and_nothing_after(server: Listening) -> None:
    """An answer is nobody's but that request's, whatever comes behind it on the connection."""
    answer = await server.ask(SMUGGLED + BROKEN["two lengths"] + SMUGGLED)
    assert answer.count(b"HTTP/1.1 ") <= 2
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 200 ") == 1


async def test_h11_requests_in_a_row_are_answered_in_order(server: Listening) -> None:
    line = await server.connect()
    line.send(SMUGGLED + HEAD + LENGTH + b"\r\n" + BODY + b"GET /nothing HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert [(await line.answer())[0] for _ in range(3)] == [200, 201, 404]
    line.close()


async def test_h11_no_endless_row_of_requests_is_kept(server: Listening, service: FakeService) -> None:
    """Thousands fit into what is read at once, and each would take kilobytes until its turn."""
    answer = await server.ask(SMUGGLED * 2000)
    assert answer.count(b"HTTP/1.1 200 ") < 100
    assert len(service.view_profile.calls) < 100


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a.test\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nX-A: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a.test\r\n" + b"X-A: a\r\n" * 101 + b"\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a.test\r\n" + b"X-A: a\r\n" * 5000,
        b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nX-A: " + b"a" * 20_000,
        b"GET /" + b"a" * 20_000,
        b"A" * 20_000,
        b"\r\n" * 10_000,
    ],
    ids=["line", "value", "101 headers", "5,000 headers", "endless value", "endless line", "method", "CRLF"],
)
async def test_d04_h11_a_head_ends_at_its_limit(server: Listening, head: bytes) -> None:
    answer = await server.ask(head)
    assert answer.count(b"HTTP/1.1 431 ") + answer.count(b"HTTP/1.1 400 ") == 1, answer
    assert b'"code":"head_too_large"' in answer or head.startswith(b"A")


async def test_h11_a_second_head_ends_at_its_limit_too(server: Listening, service: FakeService) -> None:
    """It may have come in one piece with the first; that one is answered, and the connection ends."""
    long = SMUGGLED.replace(b"Host:", b"X-A: " + b"a" * 20_000 + b"\r\nHost:")
    answer = await server.ask(SMUGGLED + long + SMUGGLED)
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 200 ") == 1
    assert len(service.view_profile.calls) == 1


async def test_h11_a_head_within_its_limit_is_read_in_any_pieces(server: Listening) -> None:
    line = await server.connect()
    head = b"GET /health/live HTTP/1.1\r\nHost: a.test\r\nX-A: " + b"a" * 15_000 + b"\r\n\r\n"
    for piece in (head[:1], head[1:8000], head[8000:-1], head[-1:]):
        line.send(piece)
        await line.writer.drain()
    assert (await line.answer())[0] == 200
    line.send(head)
    assert (await line.answer())[0] == 200
    line.close()
