"""Sign-ups as forms: the same fields, a photo that may be left out, and everything that is neither."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from application.accounts.registration import Registration
from domain.errors import InvalidInput, Violation
from domain.photos.photo import PHOTO_MAX_BYTES
from interfaces.http.bodies import BODY_MAX_BYTES
from interfaces.http.registrations import REGISTRATION_MAX_BYTES
from interfaces.http.uploads import UPLOAD_MEMORY
from tests.unit.interfaces.http.fake_service import REGISTRATION, FakeService

PICTURE = b"\x89PNG\r\n\x1a\n and so on"
BOUNDARY = "boundary"
Part = tuple[str, bytes]


@pytest.fixture(autouse=True)
async def nothing_is_held_afterwards() -> AsyncIterator[None]:
    before = UPLOAD_MEMORY.left
    yield
    assert UPLOAD_MEMORY.left == before


def text(name: str, value: str | bytes, head: str = "") -> Part:
    return f'Content-Disposition: form-data; name="{name}"{head}', value.encode() if isinstance(value, str) else value


def file(name: str, content: bytes, file_name: str = "me.png", media_type: str = "image/png") -> Part:
    return text(name, content, f'; filename="{file_name}"\r\nContent-Type: {media_type}')


FIELDS = [text(name, value) for name, value in REGISTRATION.items()]


async def send(client: httpx.AsyncClient, *parts: Part, headers: Mapping[str, str] | None = None) -> httpx.Response:
    body = b"".join(b"--boundary\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    given = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **(headers or {})}
    return await client.post("/v1/users", content=body + b"--boundary--\r\n", headers=given)


def assert_refused(answer: httpx.Response, status: int, code: str, *errors: tuple[str, str]) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert sorted((each["pointer"], each["code"]) for each in problem.get("errors", [])) == sorted(errors)


async def test_the_fields_with_a_photo(client: httpx.AsyncClient, service: FakeService) -> None:
    optional = {"given_name": "Ada Ł", "locale": "en-GB", "zoneinfo": "Europe/London"}
    answer = await send(client, *FIELDS, *(text(*each) for each in optional.items()), file("photo", PICTURE))
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/users/me"
    assert service.register_user.calls[0][0] == Registration(**REGISTRATION, **optional, photo=PICTURE)


@pytest.mark.parametrize("photo", [[], [file("photo", b"", file_name="", media_type="application/octet-stream")]])
async def test_no_photo_and_an_empty_file_input(
    client: httpx.AsyncClient, service: FakeService, photo: list[Part]
) -> None:
    assert (await send(client, *FIELDS, *photo)).status_code == 201
    assert service.register_user.calls[0][0] == Registration(**REGISTRATION)


async def test_empty_inputs_are_left_out(client: httpx.AsyncClient, service: FakeService) -> None:
    """As the form of a browser sends every input; in JSON they are refused, for there is null."""
    assert (await send(client, *FIELDS, text("given_name", ""), text("phone_number", ""))).status_code == 201
    assert service.register_user.calls[0][0] == Registration(**REGISTRATION)


async def test_an_empty_input_that_is_required_is_passed_on(client: httpx.AsyncClient, service: FakeService) -> None:
    """To be refused with its own reason, and not as one that is missing."""
    assert (await send(client, *FIELDS[1:], text("email", ""))).status_code == 201
    assert service.register_user.calls[0][0].email == ""


async def test_the_same_fields_are_the_same_sign_up_by_either_type(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    await client.post("/v1/users", json={**REGISTRATION, "given_name": None})
    await send(client, *reversed(FIELDS), text("given_name", ""))
    as_json, as_form = [call[0].content for call in service.register_user.calls]
    assert as_json == as_form


async def test_all_that_is_wrong_is_told_at_once(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await send(
        client, *FIELDS[1:], file("email", b"ada@example.test"), text("photo", "a picture"), text("role", "admin"),
        file("a/b~", PICTURE),
    )  # fmt: skip
    assert_refused(
        answer, 422, "invalid_input",
        ("/email", "wrong_type"), ("/photo", "wrong_type"), ("/role", "unknown_field"), ("/a~1b~0", "unknown_field"),
    )  # fmt: skip
    assert service.register_user.calls == []


async def test_what_the_rules_say_of_the_rest_is_told_with_it(client: httpx.AsyncClient, service: FakeService) -> None:
    """Of what is missing, or came as a file, no rule has anything to say that would be worth hearing."""
    refused = [("photo", "invalid_photo"), ("username", "invalid_username"), ("email", "x"), ("password", "x")]
    service.register_user.outcome = InvalidInput(violations=[Violation(*each, "So it is.") for each in refused])
    answer = await send(client, FIELDS[1], file("email", b"ada@example.test"), file("photo", PICTURE))
    assert_refused(
        answer, 422, "invalid_input",
        ("/email", "wrong_type"), ("/password", "missing"), ("/photo", "invalid_photo"),
        ("/username", "invalid_username"),
    )  # fmt: skip
    assert service.register_user.calls == []


async def test_a_part_that_is_unknown_hides_no_rule(client: httpx.AsyncClient, service: FakeService) -> None:
    service.register_user.outcome = InvalidInput(violations=[Violation("username", "invalid_username", "So it is.")])
    answer = await send(client, *FIELDS, file("avatar", PICTURE))
    assert_refused(answer, 422, "invalid_input", ("/avatar", "unknown_field"), ("/username", "invalid_username"))
    assert service.register_user.calls == []


async def test_what_is_missing(client: httpx.AsyncClient) -> None:
    answer = await send(client, file("photo", PICTURE))
    missing = [(f"/{name}", "missing") for name in REGISTRATION]
    assert_refused(answer, 422, "invalid_input", *missing)


@pytest.mark.parametrize(
    "parts",
    [
        [*FIELDS, file("photo", PICTURE), file("photo", PICTURE)],
        [*FIELDS, text("email", "eve@example.test")],
        [*FIELDS, text("photo", ""), file("photo", PICTURE)],
        [*FIELDS, text("given_name", b"\xff")],
        [*FIELDS, *(text(f"more-{number}", "x") for number in range(40))],
        [*FIELDS, file("photo", PICTURE, media_type="text/html")],
        [*FIELDS, file("photo", PICTURE, media_type="image/svg+xml")],
    ],
    ids=["two photos", "two of a field", "a text and a file", "no UTF-8", "too many", "HTML", "SVG"],
)
async def test_malformed_forms(client: httpx.AsyncClient, service: FakeService, parts: list[Part]) -> None:
    assert_refused(await send(client, *parts), 400, "malformed_form")
    assert service.register_user.calls == []


async def test_a_charset_that_a_part_declares_changes_nothing(client: httpx.AsyncClient, service: FakeService) -> None:
    part = text("given_name", "Ł", "\r\nContent-Type: text/plain; charset=utf-7")
    assert (await send(client, *FIELDS, part)).status_code == 201
    assert service.register_user.calls[0][0].given_name == "Ł"


@pytest.mark.parametrize(
    "media_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x"]
)
async def test_a_form_without_a_boundary_and_another_multipart(client: httpx.AsyncClient, media_type: str) -> None:
    assert_refused(await send(client, *FIELDS, headers={"Content-Type": media_type}), 415, "unsupported_media_type")


async def test_sizes_of_a_form(client: httpx.AsyncClient, service: FakeService) -> None:
    assert (await send(client, *FIELDS, file("photo", b"x" * PHOTO_MAX_BYTES))).status_code == 201
    assert len(service.register_user.calls[0][0].photo) == PHOTO_MAX_BYTES
    for part in (
        file("photo", b"x" * (PHOTO_MAX_BYTES + 1)),
        file("photo", b"x" * REGISTRATION_MAX_BYTES),
        text("given_name", "x" * BODY_MAX_BYTES),
    ):
        assert_refused(await send(client, *FIELDS, part), 413, "content_too_large")


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 4096):
        yield body[start : start + 4096]


@pytest.mark.parametrize("streamed", [False, True])
async def test_d04_json_has_no_more_room_for_that(
    client: httpx.AsyncClient, service: FakeService, streamed: bool
) -> None:
    """D04: 1 MB of it is refused once 16 KiB of it have come, whether or not its length was declared."""
    for size, status in ((BODY_MAX_BYTES, 201), (BODY_MAX_BYTES + 1, 413), (1_000_000, 413)):
        body = json.dumps(REGISTRATION).encode().ljust(size)
        content: Any = _chunks(body) if streamed else body
        answer = await client.post("/v1/users", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == status
    assert len(service.register_user.calls) == 1


async def test_a_key_is_read_before_the_body(client: httpx.AsyncClient) -> None:
    answer = await send(client, *FIELDS, headers={"Idempotency-Key": "a b"})
    assert_refused(answer, 400, "invalid_idempotency_key")


async def test_what_the_use_case_finds_wrong_with_a_photo(client: httpx.AsyncClient, service: FakeService) -> None:
    service.register_user.outcome = InvalidInput(violations=[Violation("photo", "invalid_photo", "No picture.")])
    answer = await send(client, *FIELDS, file("photo", PICTURE))
    assert_refused(answer, 422, "invalid_input", ("/photo", "invalid_photo"))
