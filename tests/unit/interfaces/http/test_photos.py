"""Photos over HTTP: what is taken for one, what is said of what is not, and how one is handed out."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from domain.errors import Overloaded
from domain.photos.errors import PhotoNotFound
from domain.photos.photo import PHOTO_MAX_BYTES, PhotoSize
from interfaces.http.sender import Pace
from interfaces.http.uploads import UPLOAD_MAX_BYTES, UPLOAD_MEMORY, UploadMemory
from tests.unit.interfaces.http.fake_service import BEARER, CALLER, FakeService, client_of

PATH = "/v1/users/me/photo"
PHOTO_ID = "abcdefghijklmnopqrstuvwxyz-_0123456789ABCDE"
ADDRESS = f"/v1/photos/{PHOTO_ID}"
PICTURE = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture(autouse=True)
def nothing_is_held_afterwards() -> AsyncIterator[None]:
    before = UPLOAD_MEMORY.left
    yield  # type: ignore[misc]  # a fixture
    assert UPLOAD_MEMORY.left == before


async def put(client: httpx.AsyncClient, body: object, media_type: str | None = "image/png") -> httpx.Response:
    headers = BEARER if media_type is None else {**BEARER, "Content-Type": media_type}
    return await client.put(PATH, content=body, headers=headers)  # type: ignore[arg-type]  # bytes, or an iterator


async def put_form(client: httpx.AsyncClient, *files: tuple[str, object], **fields: str) -> httpx.Response:
    return await client.put(PATH, files=list(files), data=fields, headers=BEARER)  # type: ignore[arg-type]


def assert_refused(answer: httpx.Response, status: int, code: str, *errors: tuple[str, str]) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert [(each["pointer"], each["code"]) for each in problem.get("errors", [])] == list(errors)


async def in_chunks(count: int, chunk: bytes = b"x" * 65536) -> AsyncIterator[bytes]:
    while count > 0:
        yield chunk[:count]
        count -= len(chunk)


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/webp", "Image/JPEG; q=1"])
async def test_the_picture_itself(client: httpx.AsyncClient, service: FakeService, media_type: str) -> None:
    answer = await put(client, PICTURE, media_type)

    assert answer.status_code == 200
    assert answer.json()["username"] == "Ada"
    [(caller, data, _)] = service.set_photo.calls
    assert (caller, data) == (CALLER, PICTURE)


@pytest.mark.parametrize("media_type", ["image/png", "image/webp", "application/octet-stream", None])
async def test_a_form_with_the_picture(client: httpx.AsyncClient, service: FakeService, media_type: str | None) -> None:
    part = ("../me.html", PICTURE, media_type) if media_type else ("me", PICTURE)
    assert (await put_form(client, ("photo", part))).status_code == 200
    assert service.set_photo.calls[0][1] == PICTURE


@pytest.mark.parametrize(
    "media_type",
    [None, "", "image/gif", "image/svg+xml", "text/html", "application/octet-stream", "application/json", "image/*",
     "application/x-www-form-urlencoded", "multipart/mixed; boundary=x", "multipart/form-data", "image/png, image/png"],
)  # fmt: skip
async def test_another_declared_type(client: httpx.AsyncClient, service: FakeService, media_type: str | None) -> None:
    assert_refused(await put(client, PICTURE, media_type), 415, "unsupported_media_type")
    assert service.set_photo.calls == []


async def test_another_declared_type_of_the_file_in_a_form(client: httpx.AsyncClient) -> None:
    for media_type in ("text/html", "image/svg+xml", "image/gif", "text/plain"):
        answer = await put_form(client, ("photo", ("me.png", PICTURE, media_type)))
        assert_refused(answer, 400, "malformed_form")


async def test_two_declared_types(client: httpx.AsyncClient) -> None:
    headers = [*BEARER.items(), ("Content-Type", "image/png"), ("Content-Type", "image/png")]
    assert_refused(await client.put(PATH, content=PICTURE, headers=headers), 415, "unsupported_media_type")


async def test_forms_without_exactly_one_photo(client: httpx.AsyncClient, service: FakeService) -> None:
    png = ("me.png", PICTURE, "image/png")
    missing, unknown = ("/photo", "missing"), "unknown_field"
    left_empty = b'--x\r\nContent-Disposition: form-data; name="photo"; filename=""\r\n\r\n\r\n--x--\r\n'
    assert_refused(await put(client, left_empty, "multipart/form-data; boundary=x"), 422, "invalid_input", missing)
    assert_refused(await put_form(client, ("avatar", png)), 422, "invalid_input", ("/avatar", unknown), missing)
    assert_refused(await put_form(client, ("photo", png), **{"a/b": "x"}), 422, "invalid_input", ("/a~1b", unknown))
    assert_refused(await put_form(client, ("photo", (None, b"text"))), 422, "invalid_input", ("/photo", "wrong_type"))
    assert_refused(await put_form(client, ("photo", png), ("photo", png)), 400, "malformed_form")
    assert_refused(await put_form(client, *((f"p{number}", png) for number in range(9))), 400, "malformed_form")
    assert_refused(await put(client, b"x", "multipart/form-data; boundary=x"), 400, "malformed_form")
    assert service.set_photo.calls == []


async def test_the_largest_photo_is_taken(client: httpx.AsyncClient, service: FakeService) -> None:
    largest = b"x" * PHOTO_MAX_BYTES
    assert (await put(client, largest)).status_code == 200
    assert (await put(client, in_chunks(PHOTO_MAX_BYTES))).status_code == 200
    assert (await put_form(client, ("photo", ("f" * 4000, largest, "image/png")))).status_code == 200
    assert {len(call[1]) for call in service.set_photo.calls} == {PHOTO_MAX_BYTES}


@pytest.mark.parametrize("count", [PHOTO_MAX_BYTES + 1, UPLOAD_MAX_BYTES + 1, 50 * 1024 * 1024])
async def test_d04_f04_a_larger_one_is_refused(client: httpx.AsyncClient, service: FakeService, count: int) -> None:
    """F04: whatever the client says of the length, and in chunks too."""
    assert_refused(await put(client, b"x" * count), 413, "content_too_large")
    assert_refused(await put(client, in_chunks(count)), 413, "content_too_large")
    answer = await put_form(client, ("photo", ("me.png", b"x" * count, "image/png")))
    assert_refused(answer, 413, "content_too_large")
    assert service.set_photo.calls == []


async def test_d01_uploads_at_once_hold_so_much_and_no_more(
    client: httpx.AsyncClient, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D01: what does not fit is told so, and all of it is free again afterwards."""
    monkeypatch.setattr("interfaces.http.photos.UPLOAD_MEMORY", memory := UploadMemory(10_000))
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        yield b"x" * 8000
        inside.set()
        await go_on.wait()

    first = asyncio.create_task(put(client, waiting()))
    await inside.wait()
    assert_refused(answer := await put(client, b"x" * 4000), 503, "overloaded")
    assert "retry-after" in answer.headers
    assert (await put(client, b"x" * 1000)).status_code == 200
    go_on.set()
    assert (await first).status_code == 200
    assert memory.left == 10_000


async def test_d04_a_photo_that_does_not_come_to_an_end(service: FakeService) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with client_of(service.app(pace=Pace(patience=0.01, rate=1000))) as client:
        assert_refused(await put(client, endless()), 408, "request_timeout")
    assert service.set_photo.calls == []


async def test_refusals_of_the_use_case(client: httpx.AsyncClient, service: FakeService) -> None:
    service.set_photo.outcome = Overloaded(retry_after=2)
    answer = await put(client, PICTURE)
    assert_refused(answer, 503, "overloaded")
    assert answer.headers["retry-after"] == "2"


async def test_a_photo_is_removed(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.delete(PATH, headers=BEARER)

    assert (answer.status_code, answer.content) == (204, b"")
    assert service.remove_photo.calls[0][0] == CALLER


async def test_f06_a_photo_is_handed_out_as_nothing_but_a_picture(client: httpx.AsyncClient) -> None:
    """F06."""
    answer = await client.get(ADDRESS)

    assert (answer.status_code, answer.content) == (200, b"a picture")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["content-disposition"] == 'inline; filename="photo.webp"'
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert answer.headers["content-length"] == "9"


async def test_the_sizes(client: httpx.AsyncClient, service: FakeService) -> None:
    tags = {(await client.get(ADDRESS, params=query)).headers["etag"] for query in ({}, {"size": 64}, {"size": 256})}

    assert len(tags) == 3
    assert [call[1] for call in service.view_photo.calls] == [PhotoSize.LARGE, PhotoSize.SMALL, PhotoSize.MEDIUM]
    assert (await client.get(ADDRESS, params={"size": 512})).headers["etag"] in tags


@pytest.mark.parametrize("query", ["size=", "size=0", "size=65", "size=064", "size=64.0", "size=x"])
async def test_what_is_no_size(client: httpx.AsyncClient, service: FakeService, query: str) -> None:
    assert_refused(await client.get(f"{ADDRESS}?{query}"), 422, "invalid_input", ("/size", "invalid_size"))
    assert service.view_photo.calls == []


async def test_other_parameters(client: httpx.AsyncClient) -> None:
    twice, unknown = ("/size", "repeated_parameter"), ("/width", "unknown_parameter")
    assert_refused(await client.get(f"{ADDRESS}?size=64&size=64"), 422, "invalid_input", twice)
    assert_refused(await client.get(f"{ADDRESS}?width=64"), 422, "invalid_input", unknown)


async def test_a_photo_at_hand_is_not_sent_again(client: httpx.AsyncClient, service: FakeService) -> None:
    etag = (await client.get(ADDRESS)).headers["etag"]
    for named in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = await client.get(ADDRESS, headers={"If-None-Match": named})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == "private, max-age=300"
    for named in ('"x"', etag.strip('"'), "", '"a*b"', '"*"', 'W/"*"', '"a,*,b"'):
        assert (await client.get(ADDRESS, headers={"If-None-Match": named})).status_code == 200
    assert (await client.get(f"{ADDRESS}?size=64", headers={"If-None-Match": etag})).status_code == 200
    service.view_photo.outcome = PhotoNotFound()
    assert_refused(await client.get(ADDRESS, headers={"If-None-Match": etag}), 404, "photo_not_found")


async def test_head(client: httpx.AsyncClient) -> None:
    answer = await client.head(ADDRESS)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "9"
    assert answer.headers["etag"]


async def test_a_dead_address_may_not_be_kept(client: httpx.AsyncClient, service: FakeService) -> None:
    service.view_photo.outcome = PhotoNotFound()
    answer = await client.get(ADDRESS)

    assert_refused(answer, 404, "photo_not_found")
    assert answer.headers["cache-control"] == "no-store"
