"""How long a body says it is, and how it is read."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from litestar.exceptions import ClientException, InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import HTTPScope

from interfaces.http.request import ShortWayRequest

MOST = 10


def request_of(*messages: dict[str, Any], announced: Sequence[bytes] = ()) -> ShortWayRequest:
    coming = iter(messages)

    async def receive() -> Any:
        return next(coming)

    handler = SimpleNamespace(resolve_request_max_body_size=lambda: MOST)
    scope: dict[str, Any] = {
        "type": "http",
        "headers": [(b"content-length", value) for value in announced],
        "state": {},
        "route_handler": handler,
    }
    return ShortWayRequest(cast("HTTPScope", scope), receive)


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(("given", "told"), [((b"42",), 42), ((b"0",), 0), ((), None)])
def test_the_length_is_the_announced_one(given: tuple[bytes, ...], told: int | None) -> None:
    assert request_of(announced=given).content_length == told


@pytest.mark.parametrize("given", [b"", b"abc", b"1.5", b"\xb2"])
def test_what_is_no_number_is_refused(given: bytes) -> None:
    with pytest.raises(ClientException):
        _ = request_of(announced=[given]).content_length


@pytest.mark.parametrize(
    ("messages", "body"),
    [
        ([part(b"whole")], b"whole"),
        ([part(b"in ", more=True), part(b"", more=True), part(b"parts")], b"in parts"),
        ([part(b"0123456789")], b"0123456789"),
        ([part(b"")], b""),
        ([{"type": "http.request"}], b""),
    ],
)
async def test_the_body_is_all_that_comes(messages: list[dict[str, Any]], body: bytes) -> None:
    request = request_of(*messages)
    assert [await request.body(), await request.body()] == [body, body]


async def test_what_was_read_is_read_by_who_comes_later() -> None:
    """An exception handler has a request of its own."""
    request = request_of(part(b"once"))
    await request.body()
    assert await ShortWayRequest(request.scope).body() == b"once"


@pytest.mark.parametrize(
    ("messages", "announced"),
    [
        ([], [b"11"]),
        ([part(b"0123456789a")], []),
        ([part(b"0123456", more=True), part(b"789a", more=True)], []),
        ([part(b"0123456789a")], [b"3"]),
    ],
)
async def test_d04_a_body_that_is_too_large_is_read_no_further(
    messages: list[dict[str, Any]], announced: list[bytes]
) -> None:
    with pytest.raises(RequestEntityTooLarge):
        await request_of(*messages, announced=announced).body()


async def test_a_sender_that_leaves_is_no_end_of_the_body() -> None:
    with pytest.raises(InternalServerException, match="client disconnected prematurely"):
        await request_of(part(b"half", more=True), {"type": "http.disconnect"}).body()


async def test_what_was_streamed_is_not_read_again() -> None:
    request = request_of(part(b"gone"))
    assert [chunk async for chunk in request.stream()] == [b"gone", b""]
    with pytest.raises(InternalServerException, match="stream consumed"):
        await request.body()
