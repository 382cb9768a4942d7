"""How long a body says it is."""

from typing import Any, cast

import pytest
from litestar.exceptions import ClientException
from litestar.types import HTTPScope

from interfaces.http.request import RawLengthRequest


def length(*given: bytes) -> int | None:
    scope: dict[str, Any] = {"type": "http", "headers": [(b"content-length", value) for value in given], "state": {}}
    return RawLengthRequest(cast("HTTPScope", scope)).content_length


@pytest.mark.parametrize(("given", "told"), [((b"42",), 42), ((b"0",), 0), ((), None)])
def test_the_length_is_the_announced_one(given: tuple[bytes, ...], told: int | None) -> None:
    assert length(*given) == told


@pytest.mark.parametrize("given", [b"", b"abc", b"1.5", b"\xb2"])
def test_what_is_no_number_is_refused(given: bytes) -> None:
    with pytest.raises(ClientException):
        length(given)
