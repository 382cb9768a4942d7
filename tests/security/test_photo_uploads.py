"""Photos as strangers send them, over HTTP to the whole service: hostile, oddly named, or only pointed at."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, bearer
from tests.support.database import DatabaseServer
from tests.support.hostile_pictures import HOSTILE_PICTURES, HarmlessAs, Hostile
from tests.support.listener import Listener, listening
from tests.support.photos import PNG, picture

PHOTO = "/v1/users/me/photo"
CHEAP = [hostile for hostile in HOSTILE_PICTURES if not hostile.dear]
"""The dear ones are shown to cost others nothing in ``test_hostile_pictures.py``."""

FILE_NAMES = (
    "../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "C:\\x.png", "\\\\host\\share", "file:///etc/passwd",
    "http://127.0.0.1/", "a" * 2000, "a\x00.png", "a.png\x00.html", "a.svg", "a.html", "a.php", "a.png.exe",
    ".htaccess", "CON", "aux.png", " ", ".", "..", "%2e%2e%2f", "%0d%0aset-cookie: a=b", "<script>alert(1)</script>",
    "\u202egnp.exe", "; rm -rf /", "$(id)", "名前.png",
)  # fmt: skip
ACTIVE = ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml")


@pytest.fixture(scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
async def client(database_server: DatabaseServer, folder: Path) -> AsyncIterator[ServiceClient]:
    url = await database_server.create()
    async with served(settings_for(url, rate_limits=False, photo_url=(folder / "photos").as_uri())) as client:
        yield client
    await database_server.drop(url)


@pytest.fixture(scope="module")
async def token(client: ServiceClient) -> str:
    return (await client.signed_in()).access_token


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


async def put(client: ServiceClient, token: str, data: bytes, media_type: str) -> httpx.Response:
    return await client.http.put(PHOTO, content=data, headers=bearer(token) | {"Content-Type": media_type})


async def test_f03_f06_the_content_decides_and_nothing_active_is_served(client: ServiceClient, token: str) -> None:
    for hostile in CHEAP:
        answer = await put(client, token, hostile.make(), "image/png")
        assert answer.status_code in _expected(hostile), f"{hostile}: {answer.text}"
        if answer.status_code == 200:
            await _assert_is_a_picture_and_nothing_else(client, answer.json()["picture"])


def _expected(hostile: Hostile) -> set[int]:
    if hostile.harmless_as is HarmlessAs.REFUSED:
        return {413, 422}
    return {200}


async def _assert_is_a_picture_and_nothing_else(client: ServiceClient, address: str) -> None:
    shown = await client.http.get(httpx.URL(address).path)
    assert shown.headers["content-type"] == "image/webp"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert b"<script" not in shown.content


async def test_f03_active_types_are_not_even_read(client: ServiceClient, token: str) -> None:
    for media_type in ACTIVE:
        assert (await put(client, token, picture(PNG), media_type)).status_code == 415


async def test_f07_a_file_name_reaches_no_path_and_no_header(client: ServiceClient, token: str, folder: Path) -> None:
    assert len(FILE_NAMES) >= 25
    for name in FILE_NAMES:
        files: Any = {"photo": (name, picture(PNG), "image/png")}
        answer = await client.http.put(PHOTO, files=files, headers=bearer(token))
        assert answer.status_code == 200, name
        shown = await client.http.get(httpx.URL(answer.json()["picture"]).path)
        assert "set-cookie" not in shown.headers
        assert shown.headers["content-disposition"] in {"inline", 'inline; filename="photo.webp"'}
    kept = files_in(folder)
    assert len(kept) == 3, "the last one, in its three sizes"
    assert all(path.is_relative_to(folder / "photos") for path in kept)


async def test_f08_no_address_that_a_user_sends_is_called(
    client: ServiceClient, token: str, listener: Listener
) -> None:
    there = f"{listener.url}/canary.png"
    for data in (there.encode(), f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{there}"/></svg>'.encode()):
        assert (await put(client, token, data, "image/png")).status_code == 422
        files: Any = {"photo": (there, data, "image/png")}
        assert (await client.http.put(PHOTO, files=files, headers=bearer(token))).status_code == 422
    for field in ("picture", "photo", "photo_url", "url", "avatar"):
        answers = [
            await client.http.patch("/v1/users/me", json={field: there}, headers=bearer(token)),
            await client.sign_up(Person.new(), **{field: there}),
            await client.http.put(PHOTO, data={field: there}, headers=bearer(token)),
            await client.http.put(PHOTO, json={field: there}, headers=bearer(token)),
        ]
        assert {answer.status_code for answer in answers} <= {400, 415, 422}, field
    answer = await client.http.patch("/v1/users/me", json={"display_name": there}, headers=bearer(token))
    assert answer.status_code == 200, "it is a name like any other"
    assert listener.calls == []
