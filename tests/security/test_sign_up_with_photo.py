"""S13: a photo that is none refuses the whole sign-up and leaves no half account; a good one is whole at once."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, problem_of
from tests.support.photos import JPEG, PNG, WEBP, picture
from tests.support.rows import connected, contents

KINDS = {JPEG: "image/jpeg", PNG: "image/png", WEBP: "image/webp"}


@pytest.fixture
async def client(database_url: str, tmp_path: Path) -> AsyncIterator[ServiceClient]:
    async with served(
        settings_for(database_url, photo_url=(tmp_path / "photos").as_uri(), rate_limits=False)
    ) as client:
        yield client


def files_in(folder: Path) -> list[Path]:
    return [path for path in (folder / "photos").rglob("*") if path.is_file()]


async def sign_up(
    client: ServiceClient, person: Person, photo: bytes, media_type: str = "image/png", **headers: str
) -> httpx.Response:
    files: Any = {"photo": ("me", photo, media_type)}
    return await client.http.post("/v1/users", data=person.registration, files=files, headers=headers)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_account_with_its_photo(client: ServiceClient, tmp_path: Path, kind: str, database_url: str) -> None:
    person = Person.new()
    answer = await sign_up(client, person, picture(kind), KINDS[kind])
    assert answer.status_code == 201, answer.text
    address = answer.json()["picture"]
    assert address.startswith("http://127.0.0.1:8000/v1/photos/")
    for size in (64, 256, 512):
        shown = await client.http.get(httpx.URL(address).path, params={"size": size})
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    assert len(files_in(tmp_path)) == 3
    session = await client.signed_in(person)
    assert (await client.profile(session.access_token)).json() == answer.json()
    async with connected(database_url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM unowned_photos") == 0


def bomb() -> bytes:
    """Of a few bytes, and of more pixels than are decoded."""
    data = bytearray(picture(PNG, width=1, height=1))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    return bytes(data)


BAD = {
    "a bomb": bomb(),
    "truncated": picture(JPEG, width=400, height=400)[:600],
    "a document": b"<html><script>alert(1)</script></html>",
    "a drawing": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "only a head": b"\x89PNG\r\n\x1a\n",
    "nothing in a file with a name": b"",
}


@pytest.mark.parametrize("photo", BAD.values(), ids=BAD)
async def test_s13_a_bad_photo_leaves_nothing_and_the_name_is_still_free(
    client: ServiceClient, tmp_path: Path, database_url: str, photo: bytes
) -> None:
    person, before = Person.new(), await contents(database_url)
    key = {"Idempotency-Key": "the-same-all-along"}

    refused = await sign_up(client, person, photo, **key)

    problem = problem_of(refused)
    assert (refused.status_code, problem["code"]) == (422, "invalid_input")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/photo", "invalid_photo")]
    assert await contents(database_url) == before
    assert files_in(tmp_path) == []
    assert (await sign_up(client, person, picture(PNG), **key)).status_code == 201


async def test_a_photo_store_that_is_away_costs_photos_and_no_sign_up_without_one(
    client: ServiceClient, tmp_path: Path, database_url: str
) -> None:
    shutil.rmtree(tmp_path / "photos", ignore_errors=True)
    (tmp_path / "photos").write_text("no folder")
    person = Person.new()

    refused = await sign_up(client, person, picture(PNG))

    assert (refused.status_code, problem_of(refused)["code"]) == (503, "service_unavailable")
    async with connected(database_url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM users") == 0
    assert (await client.sign_up(person)).status_code == 201


async def test_a_repeat_of_a_sign_up_with_a_photo(client: ServiceClient, tmp_path: Path) -> None:
    person, key = Person.new(), {"Idempotency-Key": "1"}
    first = await sign_up(client, person, picture(PNG), **key)
    assert first.status_code == 201

    again = await sign_up(client, person, picture(PNG), **key)

    assert (again.status_code, again.text) == (201, first.text)
    assert len(files_in(tmp_path)) == 3, "made once"
    another = await sign_up(client, person, picture(PNG, colour="red"), **key)
    assert problem_of(another)["code"] == "idempotency_key_reused"
    without = await client.http.post("/v1/users", json=person.registration, headers=key)
    assert problem_of(without)["code"] == "idempotency_key_reused"


async def test_json_and_a_form_without_a_photo_are_the_same_sign_up(client: ServiceClient) -> None:
    person, key = Person.new(), {"Idempotency-Key": "1"}
    first = await client.http.post("/v1/users", json=person.registration, headers=key)
    fields = {f'name="{name}"': value for name, value in person.registration.items()}
    parts = fields | {'name="given_name"': "", 'name="photo"; filename=""': ""}
    body = "".join(f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n" for head, text in parts.items())
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    again = await client.http.post("/v1/users", content=body + "--x--\r\n", headers=key | form)
    assert (again.status_code, again.text) == (201, first.text)
