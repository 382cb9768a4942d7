"""The documentation page in a real browser with the network closed, on the real service.

`docs_server` gives the address that the page is opened under; everything else follows from the page.
"""

import asyncio
import json
import os
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from litestar import Litestar
from litestar.types import Receive, Send

from bootstrap.asgi import create_app
from bootstrap.settings import Settings
from tests.e2e.browser import Watch, chromium, watched_page
from tests.support.database import DatabaseServer
from tests.support.photos import PNG, picture
from tests.support.server import running_server, settings_on

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator

pytestmark = pytest.mark.browser


class Mounted:
    """An application under a prefix of another ASGI application."""

    def __init__(self, prefix: str, app: Any) -> None:
        self.prefix = prefix
        self.app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["path"] == self.prefix or scope["path"].startswith(f"{self.prefix}/"):
            await self.app({**scope, "root_path": self.prefix}, receive, send)
        else:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def service_on(database_url: str, photos: Path) -> Litestar:
    return create_app(Settings.from_environment(settings_on(database_url, photo_url=photos.as_uri())))


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The app on a loopback port of its own, by uvicorn in a thread; its origin."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not server.started:
                assert thread.is_alive()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture(scope="module", params=["", "/team/auth"])
def docs_server(
    request: pytest.FixtureRequest, database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the service without its last slash, at the root and under a prefix."""
    prefix: str = request.param
    database_url = asyncio.run(database_server.create())
    folder = tmp_path_factory.mktemp("docs")
    if prefix:
        with serving(Mounted(prefix, service_on(database_url, folder))) as origin:
            yield origin + prefix
    else:
        settings = settings_on(database_url, hash_workers="4", photo_url=folder.as_uri())
        with running_server(settings, log=folder / "log") as server:
            yield server.url
    asyncio.run(database_server.drop(database_url))


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator["Browser"]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def docs(browser: "Browser", docs_server: str) -> AsyncIterator[Watch]:
    """The page, loaded and rendered."""
    async with watched_page(browser, viewport={"width": 1280, "height": 900}) as watch:
        await watch.page.goto(f"{docs_server}/docs")
        await operation(watch, "post", "/v1/users").wait_for()
        yield watch


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> None:
    """The account of the examples, if pressing sign-up has not made it already."""
    document = (await client.get("openapi.json")).json()
    example = document["paths"]["/v1/users"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert (await client.post("v1/users", json=example)).status_code in {201, 409}


@pytest.fixture
async def client(docs_server: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=docs_server) as open_client:
        yield open_client


def operation(watch: Watch, method: str, path: str) -> "Locator":
    return watch.page.locator(f'.opblock-{method}:has(.opblock-summary-path[data-path="{path}"])')


async def unfold(block: "Locator") -> "Locator":
    if await block.locator(".opblock-body").count() == 0:
        await block.locator(".opblock-summary-control").click()
        await block.locator("button.execute").wait_for()
    return block


async def press(block: "Locator", body: dict[str, str] | None = None) -> tuple[int, str]:
    """Press Execute, with the prefilled example or another body; the status and body that the page shows."""
    await unfold(block)
    if body is not None:
        await block.locator("textarea.body-param__text").fill(json.dumps(body))
    if await block.locator(".btn-clear").count():
        await block.locator(".btn-clear").click()
    await block.locator("button.execute").click()
    shown = block.locator(".live-responses-table .response")
    await shown.wait_for()
    status = await shown.locator(".response-col_status").inner_text()
    answer = shown.locator(".highlight-code > .microlight").first
    return int(status.split()[0]), await answer.inner_text() if await answer.count() else ""


async def test_h13_page_loads_with_nothing_failed_and_nothing_refused(docs: Watch, docs_server: str) -> None:
    assert await docs.page.locator(".opblock").count() >= 5
    assert await docs.complaints() == []
    assert all(url.startswith(docs_server) for url in docs.fetched_bytes)


async def test_root_leads_to_page(docs: Watch, docs_server: str) -> None:
    for start in ("/", "", "/docs/"):
        await docs.page.goto(docs_server + start)
        await operation(docs, "post", "/v1/users").wait_for()
        assert docs.page.url.split("#")[0] == f"{docs_server}/docs"
    assert await docs.complaints() == []


async def test_sign_up_pressed_and_answered(docs: Watch) -> None:
    status, answer = await press(operation(docs, "post", "/v1/users"))
    assert status == 201
    assert json.loads(answer)["username"] == "ada"
    assert await docs.complaints() == []


async def test_sign_up_with_a_photo_by_hand(docs: Watch, client: httpx.AsyncClient, tmp_path: Path) -> None:
    """As a form: the inputs come prefilled, the rest is left empty, and a file is chosen."""
    photo = tmp_path / "me.png"
    photo.write_bytes(picture(PNG, width=120, height=90))
    block = await unfold(operation(docs, "post", "/v1/users"))
    await block.locator(".opblock-section-request-body select.content-type").select_option("multipart/form-data")
    for name, value in {"email": "grace@example.test", "username": "grace"}.items():
        await block.locator(f'tr[data-property-name="{name}"] input').fill(value)
    await block.locator('input[type="file"]').set_input_files(photo)
    status, answer = await press(block)
    assert status == 201, answer
    shown = json.loads(answer)
    assert (shown["email"], shown["given_name"], shown["family_name"]) == ("grace@example.test", "Ada", None)
    served = await client.get(f"v1/photos/{shown['picture'].rpartition('/')[2]}")
    if folder := os.environ.get("TEST_SCREENSHOTS"):
        await block.screenshot(path=f"{folder}/sign-up-form.png")
    assert (served.status_code, served.headers["content-type"]) == (200, "image/webp")
    assert await docs.complaints() == []


async def test_deep_link_opens_operation(docs: Watch, docs_server: str) -> None:
    await docs.page.goto("about:blank")
    await docs.page.goto(f"{docs_server}/docs#/Accounts/registerUser")
    await operation(docs, "post", "/v1/users").locator("button.execute").wait_for()


@pytest.mark.usefixtures("ada")
async def test_ending_its_own_session_by_its_id_signs_the_reader_out(docs: Watch) -> None:
    signed_in = docs.page.get_by_role("status")
    ended = operation(docs, "delete", "/v1/sessions/{session_id}")
    _, other = await press(operation(docs, "post", "/v1/sessions"))
    _, own = await press(operation(docs, "post", "/v1/sessions"))

    for session, status in ((other, "Signed in as ada"), (own, "Not signed in")):
        block = await unfold(ended)
        await block.locator('tr[data-param-name="session_id"] input').fill(json.loads(session)["session"]["id"])
        assert (await press(ended))[0] == 204
        assert status in await signed_in.inner_text()


@pytest.mark.usefixtures("ada")
async def test_token_is_used_refreshed_and_forgotten(docs: Watch) -> None:
    profile = operation(docs, "get", "/v1/users/me")
    signed_in = docs.page.get_by_role("status")

    assert (await press(operation(docs, "post", "/v1/sessions")))[0] == 201
    assert "Signed in as ada" in await signed_in.inner_text()
    assert (await press(profile))[0] == 200

    for _ in range(2):  # each press sends the newest refresh token, and the newest access token follows it
        assert (await press(operation(docs, "post", "/v1/sessions/refresh")))[0] == 200
        assert (await press(profile))[0] == 200

    assert (await press(operation(docs, "delete", "/v1/sessions/current")))[0] == 204
    assert await signed_in.inner_text() == "Not signed in"
    assert await docs.complaints() == []
    assert (await press(profile))[0] == 401


@pytest.mark.usefixtures("ada")
async def test_a_photo_is_chosen_sent_and_shown(docs: Watch) -> None:
    assert (await press(operation(docs, "post", "/v1/sessions")))[0] == 201
    block = await unfold(operation(docs, "put", "/v1/users/me/photo"))
    me = {"name": "me.png", "mimeType": "image/png", "buffer": picture("PNG", colour="red")}
    await block.locator("input[type=file]").set_input_files(me)  # type: ignore[arg-type]  # a dict of that shape
    status, answer = await press(block)
    assert status == 200, answer

    view = await unfold(operation(docs, "get", "/v1/photos/{photo_id}"))
    await view.locator("input[placeholder=photo_id]").fill(json.loads(answer)["picture"].rpartition("/")[2])
    await view.locator("select").first.select_option("256")
    assert (await press(view))[0] == 200
    image = view.locator(".live-responses-table img")
    await image.wait_for()
    assert await image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 256
    assert await docs.complaints() == []


@pytest.mark.usefixtures("ada")
async def test_status_says_when_access_token_has_expired(docs: Watch) -> None:
    await docs.page.clock.install()
    await press(operation(docs, "post", "/v1/sessions"))
    await docs.page.clock.fast_forward("05:01")
    await docs.page.get_by_role("status").get_by_text("has expired").wait_for()


@pytest.mark.usefixtures("ada")
async def test_nothing_is_stored_in_browser(docs: Watch) -> None:
    await press(operation(docs, "post", "/v1/sessions"))
    await docs.page.locator(".btn.authorize").click()
    await docs.page.get_by_role("button", name="Remove authorization").click()
    await docs.page.locator(".auth-container input").fill("typed-by-hand")
    await docs.page.get_by_role("button", name="Apply credentials").click()
    await docs.page.get_by_role("button", name="Close", exact=True).last.click()
    stored = await docs.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert stored == [0, 0, ""]
    await docs.page.reload()
    await operation(docs, "post", "/v1/sessions").wait_for()
    assert await docs.page.get_by_role("status").inner_text() == "Not signed in"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_fits_narrow_screen(browser: "Browser", docs_server: str, scheme: Any) -> None:
    async with watched_page(browser, viewport={"width": 360, "height": 740}, color_scheme=scheme) as watch:
        await watch.page.goto(f"{docs_server}/docs")
        await unfold(operation(watch, "post", "/v1/sessions"))
        width = await watch.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360
        assert await watch.complaints() == []


async def test_h13_page_is_locked_down_and_revalidated(client: httpx.AsyncClient) -> None:
    page = await client.get("docs")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-cache"

    again = await client.get("docs", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await client.head("docs")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", page.headers["etag"])


async def test_assets_are_named_by_content_and_cached_for_a_year(client: httpx.AsyncClient) -> None:
    urls = re.findall(r'(?:src|href)="(docs/assets/[^"]+)"', (await client.get("docs")).text)
    assert len(set(urls)) == 5
    for url in urls:
        asset = await client.get(url)
        assert asset.status_code == 200
        assert "immutable" in asset.headers["cache-control"]
        assert asset.headers["x-content-type-options"] == "nosniff"
        unversioned = await client.get(url.partition("?")[0])
        assert unversioned.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(("accepted", "coding"), [("gzip, br", "gzip"), ("gzip;q=0", None), ("br", None), ("", None)])
async def test_compression_is_negotiated(client: httpx.AsyncClient, accepted: str, coding: str | None) -> None:
    answer = await client.get("docs/assets/swagger-ui-bundle.min.js", headers={"Accept-Encoding": accepted})
    plain = await client.get("docs/assets/swagger-ui-bundle.min.js", headers={"Accept-Encoding": "identity"})
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert (answer.headers["etag"] == plain.headers["etag"]) == (coding is None)
    assert answer.content == plain.content


@pytest.mark.parametrize("name", ["page.html", "..%2f__init__.py", "%2e%2e%2fpage.html", "swagger-ui.LICENSE.txt", "x"])
async def test_no_other_file_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"docs/assets/{name}")).status_code == 404


def mounted_whole(scope: Any) -> None:
    """As ASGI says: the path keeps the prefix that `root_path` names."""
    scope["root_path"] = "/team/auth"


def mounted_stripped(scope: Any) -> None:
    """As older frameworks mount: the path has lost the prefix, `raw_path` has not."""
    scope.update(root_path="/team/auth", path=scope["path"].removeprefix("/team/auth"))


@pytest.mark.parametrize("mount", [mounted_whole, mounted_stripped])
@pytest.mark.parametrize("start", ["/team/auth", "/team/auth/", "/team/auth/docs/"])
async def test_redirects_stay_under_every_kind_of_mount(mount: Callable[[Any], None], start: str) -> None:
    app = service_on("postgresql://nobody@127.0.0.1:1/nothing", Path("/nowhere"))

    async def outer(scope: Any, receive: Receive, send: Send) -> None:
        mount(scope)
        await app(scope, receive, send)

    transport = httpx.ASGITransport(app=outer)  # type: ignore[arg-type]  # the same protocol, typed more loosely there
    async with httpx.AsyncClient(transport=transport, base_url="http://host.example") as client:
        answer = await client.get(start)
    assert answer.status_code == 307
    assert "host.example" not in answer.headers["location"]
    assert answer.url.join(answer.headers["location"]) == "http://host.example/team/auth/docs"
