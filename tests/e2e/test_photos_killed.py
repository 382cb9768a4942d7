"""The server dies by kill -9 between each pair of steps of a photo: no orphan after the sweep, and no dead link."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bootstrap.container import make_container
from bootstrap.lifespan import running
from bootstrap.settings import Settings
from infrastructure.photos.storage_name import storage_names
from tests.support import s3
from tests.support.client import ServiceClient, SignedIn, bearer, client_of
from tests.support.database import DatabaseServer
from tests.support.figures import figure
from tests.support.halting_server import REACHED, STEPS, STOP_AT
from tests.support.photos import picture
from tests.support.rows import connected
from tests.support.server import START_LIMIT, Server, environment_of, settings_on, until

pytestmark = pytest.mark.slow
PUT_KEEPS_THE_OLD = {"rendered", "announced", "half put", "put"}
AGE = "UPDATE unowned_photos SET since = since - interval '11 minutes'"


class HaltingServer(Server):
    """Stops at a step when told to."""

    def __init__(self, settings: dict[str, str], *, folder: Path) -> None:
        super().__init__(settings, log=folder / "log")
        self.folder = folder

    def launch(self) -> "HaltingServer":
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.halting_server", str(self.folder), str(self.port)],
                env=environment_of(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    async def killed_at(self, step: str, call: "asyncio.Task[httpx.Response]") -> None:
        """Let the call get as far as that step, and kill the server there."""
        await asyncio.to_thread(until, (self.folder / REACHED).exists, within=START_LIMIT)
        self.kill()
        with pytest.raises(httpx.TransportError):
            await call
        (self.folder / REACHED).unlink()
        (self.folder / STOP_AT).unlink()


class Files:
    """A store of files, as seen from outside of the service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = {"CRM_AUTH_PHOTO_URL": folder.as_uri()}

    def names(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


class Objects:
    """A bucket, as seen from outside of the service."""

    def __init__(self, url: str) -> None:
        self.client = s3.client(url)
        self.settings = {"CRM_AUTH_PHOTO_URL": f"s3://{s3.BUCKET}/photos", "AWS_ENDPOINT_URL": url, **s3.ENVIRONMENT}

    def names(self) -> set[str]:
        found = self.client.list_objects_v2(Bucket=s3.BUCKET).get("Contents", [])
        return {each["Key"].removeprefix("photos/") for each in found}


@contextmanager
def _store(kind: str, folder: Path) -> Iterator[Files | Objects]:
    if kind == "files":
        yield Files(folder / "photos")
    else:
        with s3.running_s3() as url:
            yield Objects(url)


async def _sweep(settings: dict[str, str], url: str) -> None:
    """As a server would that lives ten minutes longer."""
    async with connected(url) as connection:
        await connection.execute(AGE)
    ours = {name: value for name, value in settings.items() if name.startswith("CRM_AUTH_")}
    async with running(make_container(Settings.from_environment(ours))) as container:
        await container.use_cases.sweep_photos()()


async def _owned(url: str) -> set[str]:
    async with connected(url) as connection:
        return {row["photo_id"] for row in await connection.fetch("SELECT photo_id FROM users WHERE photo_id <> ''")}


async def _unowned(url: str) -> int:
    async with connected(url) as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM unowned_photos")
    return count


async def _assert_no_dead_link(store: Files | Objects, url: str) -> set[str]:
    """The files that there should be; all of them are."""
    linked = {name for photo_id in await _owned(url) for name in storage_names(photo_id).values()}
    assert linked <= await asyncio.to_thread(store.names), "a dead link"
    return linked


async def _put(client: ServiceClient, session: SignedIn, colour: str) -> httpx.Response:
    headers = bearer(session.access_token) | {"Content-Type": "image/png"}
    return await client.http.put("/v1/users/me/photo", content=picture("PNG", colour=colour), headers=headers)


async def _delete(client: ServiceClient, session: SignedIn) -> httpx.Response:
    return await client.http.delete("/v1/users/me/photo", headers=bearer(session.access_token))


async def _picture(client: ServiceClient, session: SignedIn) -> str | None:
    address: str | None = (await client.profile(session.access_token)).json()["picture"]
    if address:
        path = httpx.URL(address).path
        for size in (64, 256, 512):
            answer = await client.http.get(path, params={"size": size})
            assert answer.status_code == 200, "a dead link"
    return address


@pytest.mark.parametrize("kind", ["files", "S3"])
async def test_f09_kills_between_each_pair_of_steps(
    database_server: DatabaseServer, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F09."""
    url = await database_server.create()
    with _store(kind, tmp_path) as store:
        for name, value in store.settings.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        settings = settings_on(url, rate_limits="off") | store.settings
        server = HaltingServer(settings, folder=tmp_path)
        try:
            server.start()
            for method, step in [*(("PUT", step) for step in STEPS), *(("DELETE", step) for step in STEPS[4:])]:
                await _kill_once(server, method, step, store, url)
        finally:
            server.close()
    await database_server.drop(url)


async def _kill_once(server: HaltingServer, method: str, step: str, store: Files | Objects, url: str) -> None:
    async with client_of(server.url) as client:
        person = await client.registered()
        session = await client.signed_in(person)
        assert (await _put(client, session, "teal")).status_code == 200
        before = await _picture(client, session)
        (server.folder / STOP_AT).write_text(step)
        call = _put(client, session, "red") if method == "PUT" else _delete(client, session)
        await server.killed_at(step, asyncio.create_task(call))
    linked = await _assert_no_dead_link(store, url)
    found, named = len(store.names() - linked), await _unowned(url)
    assert bool(found) <= bool(named), "what has files and no owner is on the ledger"
    await _sweep(server.settings, url)
    assert await _assert_no_dead_link(store, url) == await asyncio.to_thread(store.names), "an orphan"
    assert await _unowned(url) == 0
    figure(f"{method} killed when {step}: {found} files without owner, after the sweep 0; dead links 0")
    server.start()
    async with client_of(server.url) as client:
        after = await _picture(client, session)
    expected_change = not (method == "PUT" and step in PUT_KEEPS_THE_OLD)
    assert (after != before) == expected_change
    assert (after is None) == (method == "DELETE")
