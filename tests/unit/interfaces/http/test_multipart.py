"""Forms are read strictly, whole, and however their bytes come in pieces."""

from collections.abc import AsyncIterator

import pytest

from interfaces.http.multipart import FilePart, Form, FormLimits, read_form
from interfaces.http.problems import Refused

LIMITS = FormLimits(parts=4, text_bytes=100, file_bytes=1000)
BOUNDARY = "a-boundary"


def part(name: str, content: bytes, *, filename: str | None = None, media_type: str | None = None) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"'
    head += "" if filename is None else f'; filename="{filename}"'
    head += "" if media_type is None else f"\r\nContent-Type: {media_type}"
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def read(
    body: bytes, *, content_type: str | None = f"multipart/form-data; boundary={BOUNDARY}", piece: int = 1 << 16
) -> Form:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), piece):
            yield body[start : start + piece]
        yield b""

    headers = [] if content_type is None else [(b"content-type", content_type.encode("latin-1"))]
    return await read_form(headers, chunks(), LIMITS)


async def refusal_of(body: bytes, **how: object) -> str:
    with pytest.raises(Refused) as refused:
        await read(body, **how)  # type: ignore[arg-type]  # the tests name arguments of `read`
    return refused.value.problem.code


@pytest.mark.parametrize("piece", [1, 7, 64, 1 << 16])
async def test_texts_and_files(piece: int) -> None:
    picture = bytes(range(256)) + b"\r\n--a-boundar\r\n"
    body = form(
        part("name", "Ada Łovelace".encode()),
        part("empty", b""),
        part("photo", picture, filename="me.png", media_type="Image/PNG; x=y"),
    )

    assert await read(body, piece=piece) == Form(
        {"name": "Ada Łovelace", "empty": ""}, {"photo": FilePart(media_type="image/png", content=picture)}
    )


async def test_a_file_input_that_was_left_empty_is_not_there() -> None:
    body = form(part("photo", b"", filename="", media_type="application/octet-stream"))

    assert await read(body) == Form()


async def test_a_form_without_parts() -> None:
    assert await read(form()) == Form()


@pytest.mark.parametrize("piece", [1, 7, 1 << 16])
async def test_what_is_around_the_parts_is_passed_over(piece: int) -> None:
    """RFC 2046 5.1."""
    body = b"preamble\r\n" + form(part("a", b"b")) + b"\r\nepilogue" + form(part("c", b"d"))

    assert await read(body, piece=piece) == Form({"a": "b"})


async def test_an_empty_file_is_there() -> None:
    assert (await read(form(part("photo", b"", filename="a.png")))).files["photo"].content == b""


async def test_f07_of_a_file_name_nothing_is_kept() -> None:
    for name in ("../../etc/passwd", "a" * 3000, "a\x00b", "<script>", "..\\\\x", "%0D%0A", "é" * 100):
        read_part = (await read(form(part("photo", b"x", filename=name)))).files["photo"]
        assert read_part == FilePart(media_type=None, content=b"x")


@pytest.mark.parametrize(
    "content_type",
    [
        'multipart/form-data; boundary="a-boundary"',
        "Multipart/Form-Data;boundary=a-boundary",
        "multipart/form-data; charset=utf-8; boundary=a-boundary",
        'multipart/form-data; boundary=a-boundary; charset="UTF-8"',
    ],
)
async def test_ways_to_declare_a_form(content_type: str) -> None:
    assert (await read(form(part("a", b"b")), content_type=content_type)).texts == {"a": "b"}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "a" * 71,
        "multipart/form-data; boundary=a-boundary; boundary=another",
        "multipart/form-data; boundary=a-boundary; charset=utf-16",
        "multipart/form-data; boundary=a\u00e9",
        "multipart/mixed; boundary=a-boundary",
    ],
)
async def test_what_is_no_form(content_type: str | None) -> None:
    assert await refusal_of(form(part("a", b"b")), content_type=content_type) == "unsupported_media_type"


MALFORMED = {
    "empty": b"",
    "another boundary": form(part("a", b"b")).replace(b"a-boundary", b"b-boundary"),
    "cut off in a part": form(part("a", b"b" * 50))[:-30],
    "cut off before the last boundary": part("a", b"b"),
    "something before it": b"x" + form(part("a", b"b")),
    "no name": form(b"--a-boundary\r\nContent-Disposition: form-data\r\n\r\nb\r\n"),
    "an empty name": form(part("", b"b")),
    "a long name": form(part("a" * 65, b"b")),
    "a name of control characters": form(part("a%0D%0Ab", b"b")),
    "no disposition": form(b"--a-boundary\r\nContent-Type: text/plain\r\n\r\nb\r\n"),
    "another disposition": form(b'--a-boundary\r\nContent-Disposition: file; name="a"\r\n\r\nb\r\n'),
    "a name twice": form(part("a", b"b"), part("a", b"c")),
    "a text and a file of one name": form(part("a", b"b"), part("a", b"c", filename="c")),
    "two files": form(part("photo", b"b", filename="b"), part("photo", b"c", filename="c")),
    "too many parts": form(*(part(f"a{number}", b"b") for number in range(5))),
    "too long a head": form(part("a", b"b", filename="c" * 5000)),
    "too many heads": form(b"--a-boundary\r\n" + b"X: y\r\n" * 20 + part("a", b"b")[14:]),
    "not UTF-8": form(part("a", b"\xff")),
    "line feeds alone": form(part("a", b"b")).replace(b"\r\n", b"\n"),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_malformed(body: bytes) -> None:
    assert await refusal_of(body) == "malformed_form"
    if b"a-boundary" in body[:20]:
        assert await refusal_of(body, piece=16) == "malformed_form"


@pytest.mark.parametrize("piece", [100, 1 << 16])
async def test_d04_limits_of_bytes(piece: int) -> None:
    most = form(part("a", b"b" * 60), part("c", b"d" * 40), part("e", b"f" * 1000, filename="f"))
    assert len((await read(most, piece=piece)).files["e"].content) == 1000

    for body in (
        form(part("e", b"f" * 1001, filename="f")),
        form(part("a", b"b" * 101)),
        form(part("a", b"b" * 60), part("c", b"d" * 41)),
    ):
        assert await refusal_of(body, piece=piece) == "content_too_large"


async def test_d04_nothing_is_read_behind_what_is_too_large() -> None:
    asked = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal asked
        yield part("photo", b"", filename="f")[:-2]
        while True:
            asked += 1
            yield b"x" * 100

    with pytest.raises(Refused):
        await read_form([(b"content-type", b"multipart/form-data; boundary=a-boundary")], chunks(), LIMITS)
    assert asked <= 12
