"""Photos over HTTP and two workers: uploads, removals and sign-outs at once, and an address that dies everywhere."""

import asyncio
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from PIL import Image

from infrastructure.photos.storage_name import storage_names
from tests.support.client import ServiceClient, SignedIn, bearer, client_of, problem_of
from tests.support.figures import figure
from tests.support.photos import picture
from tests.support.rows import connected
from tests.support.server import Server

ROUNDS = 5
AT_ONCE = 8


async def put(client: ServiceClient, session: SignedIn, data: bytes, media_type: str = "image/png") -> httpx.Response:
    """Again while the service is busy with other pictures."""
    headers = bearer(session.access_token) | {"Content-Type": media_type}
    while True:
        answer = await client.http.put("/v1/users/me/photo", content=data, headers=headers)
        if answer.status_code != 503:
            return answer
        await asyncio.sleep(float(answer.headers["retry-after"]) / 10)


async def delete(client: ServiceClient, session: SignedIn) -> httpx.Response:
    return await client.http.delete("/v1/users/me/photo", headers=bearer(session.access_token))


def path_of(answer: httpx.Response) -> str:
    return httpx.URL(answer.json()["picture"]).path


def kept(server: Server) -> set[str]:
    folder = Path(unquote(urlsplit(server.settings["CRM_AUTH_PHOTO_URL"]).path))
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def expected(database_url: str) -> tuple[set[str], set[str]]:
    """The files of photos that are somebody's, and of those on the ledger."""
    async with connected(database_url) as connection:
        owned = await connection.fetch("SELECT photo_id AS id FROM users WHERE photo_id IS NOT NULL")
        unowned = await connection.fetch("SELECT id FROM unowned_photos")
    of_owned, of_unowned = (
        {name for row in rows for name in storage_names(row["id"]).values()} for rows in (owned, unowned)
    )
    return of_owned, of_unowned


async def assert_nothing_lost(server: Server, database_url: str) -> None:
    of_owned, of_unowned = await expected(database_url)
    files = kept(server)
    assert of_owned <= files, "a dead link"
    assert files <= of_owned | of_unowned, "an orphan that no sweep finds"


@pytest.fixture
async def session(client: ServiceClient) -> SignedIn:
    return await client.signed_in()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_photo_from_end_to_end(client: ServiceClient, session: SignedIn, kind: str) -> None:
    set_ = await put(client, session, picture(kind, colour="red"), f"image/{kind.lower()}")
    assert set_.status_code == 200
    assert set_.json() == (await client.profile(session.access_token)).json()
    path = path_of(set_)
    for size in (64, 256, 512):
        answer = await client.http.get(path, params={"size": size})
        shown = Image.open(BytesIO(answer.content))
        assert (shown.format, shown.size) == ("WEBP", (size, size))
        again = await client.http.get(path, params={"size": size}, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert (await delete(client, session)).status_code == 204
    assert (await delete(client, session)).status_code == 204
    assert problem_of(await client.http.get(path))["code"] == "photo_not_found"
    assert (await client.profile(session.access_token)).json()["picture"] is None


async def test_f09_f10_a_replaced_photo_is_dead_on_every_worker(server: Server, session: SignedIn) -> None:
    async with client_of(server.url, connections=16) as client:
        old = path_of(await put(client, session, picture(colour="red"), "image/jpeg"))
        etag = (await client.http.get(old)).headers["etag"]
        for _ in range(ROUNDS):
            answers = await asyncio.gather(*(client.http.get(old) for _ in range(16)))
            assert {answer.status_code for answer in answers} == {200}
            new = path_of(await put(client, session, picture(colour="blue"), "image/jpeg"))
            known = {"If-None-Match": etag}
            answers = await asyncio.gather(*(client.http.get(old, headers=known) for _ in range(16)))
            assert {answer.status_code for answer in answers} == {404}
            old, etag = new, (await client.http.get(new)).headers["etag"]


async def test_uploads_at_once(client: ServiceClient, session: SignedIn, server: Server, database_url: str) -> None:
    for _ in range(ROUNDS):
        answers = await asyncio.gather(*(put(client, session, picture("PNG")) for _ in range(AT_ONCE)))
        assert {answer.status_code for answer in answers} == {200}
        shown = (await client.profile(session.access_token)).json()["picture"]
        assert shown in {answer.json()["picture"] for answer in answers}
        assert (await client.http.get(httpx.URL(shown).path)).status_code == 200
        await assert_nothing_lost(server, database_url)
    figure(f"{ROUNDS} rounds of {AT_ONCE} uploads at once: one photo each, 0 orphans beyond the ledger, 0 dead links")


async def test_uploads_and_removals_at_once(
    client: ServiceClient, session: SignedIn, server: Server, database_url: str
) -> None:
    for _ in range(ROUNDS):
        uploads = (put(client, session, picture("PNG")) for _ in range(AT_ONCE))
        answers = await asyncio.gather(*uploads, *(delete(client, session) for _ in range(AT_ONCE)))
        assert {answer.status_code for answer in answers} == {200, 204}
        await assert_nothing_lost(server, database_url)
        await delete(client, session)
        assert (await client.profile(session.access_token)).json()["picture"] is None


async def test_uploads_and_a_sign_out_at_once(client: ServiceClient, server: Server, database_url: str) -> None:
    person = await client.registered()
    other = await client.signed_in(person)
    for _ in range(ROUNDS):
        session = await client.signed_in(person)
        uploads = [asyncio.create_task(put(client, session, picture("PNG"))) for _ in range(AT_ONCE)]
        await uploads[0]
        assert (await client.log_out(session.access_token)).status_code == 204
        after = (await client.profile(other.access_token)).json()["picture"]
        answers = await asyncio.gather(*uploads)
        assert {answer.status_code for answer in answers} <= {200, 401}
        assert (await client.profile(other.access_token)).json()["picture"] == after, "set after the sign-out"
        await assert_nothing_lost(server, database_url)
