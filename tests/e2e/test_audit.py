"""``crm-auth audit`` beside a server: what happened is found in the log, and that nobody altered it is shown."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bootstrap.operations import ServiceOperations
from infrastructure.audit.keys import pem_of
from interfaces.cli.commands import command_line
from tests.support.client import Person, client_of
from tests.support.database import DatabaseServer
from tests.support.rows import connected, let_the_audit_log_be_changed
from tests.support.server import Server, running_server, settings_on, until

OPERATOR = {"SUDO_USER": ""}
ALTERED = 4


@pytest.fixture(scope="module")
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit")


@pytest.fixture(scope="module")
def settings(database_url: str, folder: Path) -> dict[str, str]:
    return settings_on(
        database_url, mail_url=(folder / "mail").as_uri(), rate_limits="off", audit_heads=(folder / "heads").as_uri()
    )


@pytest.fixture(scope="module")
def server(settings: dict[str, str], folder: Path) -> Iterator[Server]:
    with running_server(settings, log=folder / "server.log") as server:
        yield server


async def crm_auth(settings: dict[str, str], *arguments: str, code: int = 0) -> str:
    """What the command prints. In this process, for starting another one takes longer than the command."""

    def run() -> Result:
        return CliRunner(env=settings | OPERATOR).invoke(command_line, arguments, obj=ServiceOperations())

    result = await asyncio.to_thread(run)
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


async def audit(settings: dict[str, str], *arguments: str, code: int = 0) -> str:
    return await crm_auth(settings, "audit", *arguments, code=code)


async def found(settings: dict[str, str], *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await audit(settings, "search", "--all", "--json", *arguments)).splitlines()]


async def all_sealed(database_url: str) -> None:
    async with connected(database_url) as connection, asyncio.timeout(30):
        while await connection.fetchval("SELECT count(*) FROM audit_queue"):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.05)


async def test_g01_a_journey_is_read_from_the_log(
    server: Server, settings: dict[str, str], folder: Path, database_url: str
) -> None:
    person = Person.new()
    async with client_of(server.url) as client:
        user_id = (await client.sign_up(person)).json()["id"]
        assert (await client.log_in(person.email, "w" * 20)).status_code == 401
        headers = {"X-Request-ID": "request-of-the-journey", "User-Agent": "a browser of the journey"}
        signed_in = (await client.log_in(person.email, person.password, **headers)).json()
        assert (await client.log_out(signed_in["access_token"])).status_code == 204

    await all_sealed(database_url)
    entries = await found(settings, "--user", person.email)

    assert [entry["type"] for entry in entries] == [
        "user.registered", "log_in.failed", "session.started", "session.ended",
    ]  # fmt: skip
    assert {entry["user_id"] for entry in entries} == {user_id}
    started = entries[2]
    assert started["session_id"] == signed_in["session"]["id"]
    assert started["request_id"] == "request-of-the-journey"
    assert started["user_agent"] == "a browser of the journey"
    assert started["ip_address"] == "127.0.0.1"
    assert started["at"].endswith("Z")
    assert entries[3]["data"] == {"reason": "logged_out"}
    assert [entry["sequence"] for entry in await found(settings, "--request", "request-of-the-journey")] == [
        started["sequence"]
    ]
    assert started["sequence"] in {entry["sequence"] for entry in await found(settings, "--ip", "127.0.0.1")}
    assert not await found(settings, "--ip", "192.0.2.1")
    table = await audit(settings, "tail", "--user", user_id, "-n", "2")
    assert table.splitlines()[0].split() == [
        "SEQUENCE",
        "AT",
        "(UTC)",
        "TYPE",
        "USER",
        "SESSION",
        "ADDRESS",
        "DETAILS",
        "REQUEST",
    ]
    assert "session.ended" in table.splitlines()[-1]
    assert json.loads((folder / "heads" / "heads.jsonl").read_text().splitlines()[0])["kind"] == "head"


async def test_g01_what_happens_is_shown_as_it_happens(
    server: Server, settings: dict[str, str], database_url: str
) -> None:
    async with client_of(server.url) as client:
        person = await client.registered()
        await client.signed_in(person)
        await all_sealed(database_url)
        arguments = ("audit", "tail", "-f", "-n", "1", "--json", "--type", "session.")
        command = (sys.executable, "-m", "bootstrap.command_line", *arguments)
        following = await asyncio.create_subprocess_exec(
            *command, env=os.environ | settings | OPERATOR, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert following.stdout is not None
            async with asyncio.timeout(30):
                last = json.loads(await following.stdout.readline())
                began = await client.signed_in(person)
                shown = json.loads(await following.stdout.readline())
        finally:
            following.send_signal(signal.SIGINT)
            await following.wait()
    assert last["type"] == "session.started"
    assert (shown["sequence"] > last["sequence"], shown["session_id"]) == (True, str(began.session_id))


async def test_g01_who_reads_the_log_is_in_it(server: Server, settings: dict[str, str], database_url: str) -> None:
    await audit(settings, "tail")
    await all_sealed(database_url)
    read = await found(settings, "--type", "audit.")
    assert read[0]["data"]["actor"].startswith("operator:")


async def test_g04_the_log_is_verified_here_and_elsewhere(
    server: Server, settings: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    person = Person.new()
    async with client_of(server.url) as client:
        await client.sign_up(person)
    await all_sealed(database_url)
    export, key, heads, program = (tmp_path / name for name in ("export", "key.pem", "heads", "verify_audit.py"))
    export.write_text(await audit(settings, "export", "--personal"))
    key.write_text(await audit(settings, "public-key"))
    heads.write_text(await audit(settings, "heads"))
    program.write_text(await audit({}, "verifier"))
    elsewhere = ("verify", "--file", str(export), "--public-key", str(key))

    assert "intact: " in await audit(settings, "verify", "--heads", str(heads))
    assert "intact: " in await audit({}, *elsewhere, "--heads", str(heads)), "without any setting"
    assert json.loads(await audit({}, *elsewhere, "--json"))["intact"] is True
    assert verified_by(program, export, key).returncode == 0

    whole = export.read_text()
    export.write_text(whole.replace("user.registered", "user.enabled", 1))
    assert "altered at " in await audit({}, *elsewhere, code=ALTERED)
    altered = verified_by(program, export, key)
    assert (altered.returncode, "altered at " in altered.stdout) == (ALTERED, True)
    lines = whole.splitlines(keepends=True)
    export.write_text("".join(lines[: len(lines) // 2]))
    assert "cut_off at " in await audit({}, *elsewhere, "--heads", str(heads), code=ALTERED)

    await let_the_audit_log_be_changed(database_url)
    async with connected(database_url) as connection:
        await connection.execute(
            "UPDATE audit_entries SET hash = set_byte(hash, 0, 255 - get_byte(hash, 0)) WHERE sequence = 1"
        )
        assert "altered at 1" in await audit(settings, "verify", code=ALTERED)
        await connection.execute(
            "UPDATE audit_entries SET hash = set_byte(hash, 0, 255 - get_byte(hash, 0)) WHERE sequence = 1"
        )


def verified_by(program: Path, export: Path, key: Path) -> "subprocess.CompletedProcess[str]":
    """By a copy of the verifier on its own, which finds nothing else of ours."""
    return subprocess.run(
        [sys.executable, "-I", str(program), str(export), "--public-key", str(key)],
        capture_output=True,
        text=True,
        check=False,
    )


async def test_a03_erasures_are_replayed_by_the_command(
    server: Server, settings: dict[str, str], database_url: str, folder: Path
) -> None:
    person = Person.new()
    async with client_of(server.url) as client:
        user_id = (await client.sign_up(person)).json()["id"]
    await all_sealed(database_url)
    async with connected(database_url) as connection:
        kept = await connection.fetchrow("SELECT owner, sealed FROM audit_keys WHERE owner = $1", user_id)
        assert kept
        await crm_auth(settings, "users", "delete", "--yes", user_id)
        file = folder / "heads" / "heads.jsonl"
        until(lambda: user_id in file.read_text())
        await connection.execute("INSERT INTO audit_keys (owner, sealed) VALUES ($1, $2)", *kept)
    before = await found(settings, "--user", user_id)
    assert before[0]["personal"] == "readable", "what a restore of the keys brings back"

    assert "1 erased user had come back" in await audit(settings, "replay-erasures", str(file))

    assert (await found(settings, "--user", user_id))[0]["personal"] == "erased"
    torn, key = folder / "torn", folder / "trusted.pem"
    torn.write_text(file.read_text() + '{"kind": "head", "bo')
    key.write_text(await audit(settings, "public-key"))
    assert "all are erased" in await audit(settings, "replay-erasures", "--public-key", str(key), str(torn))
    key.write_text(pem_of(Ed25519PrivateKey.generate().public_key().public_bytes_raw()))
    await audit(settings, "replay-erasures", "--public-key", str(key), str(file), code=1)
    torn.write_text("nothing\n")
    await audit(settings, "replay-erasures", str(torn), code=1)
    await audit(settings, "verify", "--heads", str(torn), code=1)
    file.write_text(file.read_text().replace(user_id, "01900000-0000-7000-8000-000000000000"))
    await audit(settings, "replay-erasures", str(file), code=1)


async def test_k08_the_key_is_rotated(
    server: Server, settings: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    first = tmp_path / "first.pem"
    first.write_text(await audit(settings, "public-key"))
    await all_sealed(database_url)
    assert "from now on" in await audit(settings, "rotate-key")
    export = tmp_path / "export"
    await all_sealed(database_url)
    assert await found(settings, "--type", "audit_key.rotated")
    export.write_text(await audit(settings, "export"))
    assert (await audit(settings, "public-key")).count("BEGIN PUBLIC KEY") == first.read_text().count(
        "BEGIN PUBLIC KEY"
    ) + 1
    assert "intact: " in await audit({}, "verify", "--file", str(export), "--public-key", str(first)), (
        "the old key is enough"
    )
