"""The guides' examples, run as they stand there."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import jwt
import pytest

from tests.support.database import DatabaseServer
from tests.support.documents import BASE_URL, CLIENT_GUIDE, CONTRIBUTOR_GUIDE, OPERATOR_GUIDE
from tests.support.rows import connected
from tests.support.server import Server, crm_auth, environment_of, settings_on

PASSWORD = "tundra oboe lantern marzipan"
LINUS = {"email": "linus@example.test", "username": "linus", "password": PASSWORD}


@pytest.fixture
async def own_database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Run an example as a module of its own."""

    def run(code: str) -> Any:
        module = ModuleType("example_of_a_guide")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(code, module.__name__, "exec"), vars(module))  # noqa: S102 - our own documentation
        return module

    return run


async def test_example_verifies_access_tokens_and_nothing_else(
    own_database_url: str, tmp_path: Path, imported: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    server = Server(settings_on(own_database_url), log=tmp_path / "log")
    server.settings["CRM_AUTH_PUBLIC_URL"] = server.url
    try:
        server.start()
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as client:
            await client.post("/v1/users", json=LINUS)
            answer = await client.post("/v1/sessions", json={"identifier": "linus", "password": PASSWORD})
        signed_in = answer.json()
        code = CLIENT_GUIDE.code("python", section="Verify access tokens in other services")
        verified = imported(code.replace(BASE_URL, server.url)).verified
        claims = verified(signed_in["access_token"])
    finally:
        server.close()

    assert (claims["sub"], claims["sid"]) == (signed_in["user"]["id"], signed_in["session"]["id"])
    listed = CLIENT_GUIDE.table(section="Verify access tokens in other services")
    assert set(claims) == {name.strip("`") for names in listed if names != "claim" for name in names.split(", ")}
    header, payload, signature = signed_in["access_token"].split(".")
    for forged in (f"{header}.{payload}.{signature[::-1]}", jwt.encode(claims, "k" * 32, algorithm="HS256"), "x"):
        with pytest.raises(jwt.PyJWTError):
            verified(forged)


def test_a_plain_script_calls_the_use_cases(own_database_url: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(CONTRIBUTOR_GUIDE.code("python", section="Use cases without HTTP"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment_of(settings_on(own_database_url)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.startswith("grace is in session "), done.stderr


async def test_the_service_works_under_a_prefix_of_another_application(
    own_database_url: str, imported: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("CRM_AUTH_")]:
        monkeypatch.delenv(name)
    for name, value in settings_on(own_database_url, public_url="https://crm.example.test/auth").items():
        monkeypatch.setenv(name, value)
    app = imported(CONTRIBUTOR_GUIDE.code("python", section="Mounting under a prefix")).app
    transport = httpx.ASGITransport(app)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="https://crm.example.test") as client:
        assert (await client.get("/")).text == "the CRM"
        assert (await client.get("/auth/docs")).status_code == 200
        signed_up = await client.post("/auth/v1/users", json=LINUS)
        assert (signed_up.status_code, signed_up.headers["location"]) == (201, "/auth/v1/users/me")
        signed_in = await client.post("/auth/v1/sessions", json={"identifier": "linus", "password": PASSWORD})
        bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
        assert (await client.get(signed_up.headers["location"], headers=bearer)).json()["username"] == "linus"
        assert (await client.delete("/auth/v1/sessions/current", headers=bearer)).status_code == 204
        refused = await client.get("/auth/v1/users/me", headers=bearer)
        assert refused.json()["type"] == "/auth/errors#invalid_token"
        assert (await client.get(refused.json()["type"])).status_code == 200
    claims = jwt.decode(signed_in.json()["access_token"], options={"verify_signature": False})
    assert claims["iss"] == "https://crm.example.test/auth"


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
async def test_administration_goes_as_it_is_shown(own_database_url: str, tmp_path: Path) -> None:
    typed = f'set -eu\ncrm-auth() {{ {shlex.join(crm_auth())} "$@"; }}\n'
    done = subprocess.run(  # noqa: ASYNC221 - nothing else goes on
        ["bash", "-c", typed + OPERATOR_GUIDE.code("sh", section="Administration")],
        env=environment_of(settings_on(own_database_url)),
        cwd=tmp_path,
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "grace is disabled.\n" in done.stdout
    assert "grace is active.\n" in done.stdout
    async with connected(own_database_url) as connection:
        rows = await connection.fetch(OPERATOR_GUIDE.code("sql", section="Administration"))
    assert [row["type"] for row in rows] == [
        "user.enabled", "user.disabled", "password_reset.started", "user.registered",
    ]  # fmt: skip
    (grace,) = json.loads((tmp_path / "accounts.json").read_text())["items"]
    assert (grace["username"], grace["status"]) == ("grace", "active")
