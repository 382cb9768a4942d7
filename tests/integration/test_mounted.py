"""The application inside another one, under a prefix."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urljoin, urlsplit

import pytest
from litestar import Litestar, asgi
from litestar.types import ASGIApp, Receive, Scope, Send

from bootstrap.asgi import create_app
from tests.support.application import alive, client_in_process, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, problem_of
from tests.support.database import DatabaseServer


class Host:
    """An application that knows ASGI and nothing else: paths below a prefix go to what is mounted there."""

    def __init__(self, mounted: dict[str, Litestar], *, cuts_path: bool) -> None:
        self.mounted = mounted
        self.cuts_path = cuts_path
        """Hosts differ: the specification leaves the prefix in ``path``, many cut it off."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for prefix, app in self.mounted.items():
            if scope["path"] == prefix or scope["path"].startswith(f"{prefix}/"):
                path = scope["path"].removeprefix(prefix) if self.cuts_path else scope["path"]
                inner: Scope = {**scope, "root_path": scope.get("root_path", "") + prefix, "path": path}  # type: ignore[assignment]  # a copy of either kind of scope
                await app(inner, receive, send)
                return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"the host", "more_body": False})


def _below(prefix: str, mounted: Litestar) -> Litestar:
    """In a Litestar host, which tells what is mounted there nothing of the prefix."""

    @asgi(prefix, is_mount=True, copy_scope=True)
    async def mount(scope: Scope, receive: Receive, send: Send) -> None:
        await mounted(scope, receive, send)

    return Litestar([mount], openapi_config=None)


@asynccontextmanager
async def _client(host: ASGIApp, prefix: str) -> AsyncIterator[ServiceClient]:
    async with client_in_process(host, base=prefix) as client:
        yield client


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Litestar]:
    app = create_app(settings_for(database_url))
    async with alive(app):
        yield app


@pytest.fixture(params=["/auth", "/crm/v2/auth", "in a Litestar application"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["prefix cut off", "prefix left in the path"])
def host(request: pytest.FixtureRequest, app: Litestar, prefix: str) -> ASGIApp:
    if not prefix.startswith("/"):
        return _below("/auth", app)
    return Host({prefix: app}, cuts_path=request.param)


@pytest.fixture
async def client(host: ASGIApp, prefix: str) -> AsyncIterator[ServiceClient]:
    async with _client(host, prefix if prefix.startswith("/") else "/auth") as client:
        yield client


def _base(client: ServiceClient) -> str:
    return client.http.base_url.path.rstrip("/")


async def test_the_main_job(client: ServiceClient) -> None:
    ada = Person.new()
    signed_up = await client.sign_up(ada)
    assert signed_up.status_code == 201
    assert signed_up.headers["location"] == f"{_base(client)}/v1/users/me"
    session = await client.signed_in(ada)
    session = SignedIn.of(await client.refresh(session.refresh_token))
    headers = {"Authorization": f"Bearer {session.access_token}"}
    # Where the answer says the account is, as a browser follows it.
    location = urljoin(str(signed_up.request.url), signed_up.headers["location"])
    assert (await client.http.get(location, headers=headers)).json()["username"] == ada.username
    assert (await client.session(session.access_token)).status_code == 200
    assert (await client.log_out(session.access_token)).status_code == 204
    assert (await client.profile(session.access_token)).status_code == 401


async def test_the_way_to_the_docs(client: ServiceClient) -> None:
    for path in ("/", "/docs/"):
        redirect = await client.http.get(path)
        assert redirect.status_code == 307
        target = urljoin(str(redirect.request.url), redirect.headers["location"])
        assert urlsplit(target).path == f"{_base(client)}/docs"
    page = await client.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    document = (await client.http.get("/openapi.json")).json()
    assert urljoin(f"{_base(client)}/openapi.json", document["servers"][0]["url"]).rstrip("/") == _base(client)


async def test_problems_lead_to_their_page(client: ServiceClient) -> None:
    problem = problem_of(await client.http.get("/v1/users/me"))
    assert problem["type"] == f"{_base(client)}/errors#authentication_required"
    assert (await client.http.get(urljoin("http://test", problem["type"]))).status_code == 200
    missing = await client.http.get("/v1/nothing")
    assert (missing.status_code, problem_of(missing)["code"]) == (404, "not_found")


async def test_the_host_keeps_its_own_paths(app: Litestar) -> None:
    host = Host({"/auth": app}, cuts_path=True)
    async with _client(host, "") as client:
        for path in ("/", "/authentic", "/v1/users/me"):
            assert (await client.http.get(path)).text == "the host"


async def test_two_services_side_by_side_trust_nothing_of_each_other(database_server: DatabaseServer) -> None:
    """Each with its own database and secret: a token of one is worth nothing at the other."""
    urls = [await database_server.create() for _ in range(2)]
    secrets = ["kT4vQz8mXc1Wn6Yb3Rf9Hj2Lg7Ps5Da0EuViOxMqZtS", "Zr7Nf2Kd9Wq4Xb6Tm1Yc8Vh3Lj5Gs0PaUeIoRxQvBnM"]
    apps = [create_app(settings_for(url, secret_key=(key,))) for url, key in zip(urls, secrets, strict=True)]
    try:
        async with AsyncExitStack() as stack:
            for app in apps:
                await stack.enter_async_context(alive(app))
            host = Host({"/one": apps[0], "/other": apps[1]}, cuts_path=False)
            one = await stack.enter_async_context(_client(host, "/one"))
            other = await stack.enter_async_context(_client(host, "/other"))
            session = await one.signed_in()
            assert (await one.profile(session.access_token)).status_code == 200
            assert (await other.profile(session.access_token)).status_code == 401
            assert (await other.refresh(session.refresh_token)).status_code == 401
            jwks = [(await client.http.get("/.well-known/jwks.json")).json() for client in (one, other)]
            assert not {json.dumps(key) for key in jwks[0]["keys"]} & {json.dumps(key) for key in jwks[1]["keys"]}
    finally:
        for url in urls:
            await database_server.drop(url)
