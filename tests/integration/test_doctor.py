"""``crm-auth doctor`` on databases and settings with something wrong."""

import asyncio
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bootstrap.doctor.check import Patient
from bootstrap.doctor.examination import examine
from bootstrap.doctor.settings_checks import breached_passwords
from bootstrap.operations import ServiceOperations
from bootstrap.settings import Settings
from domain.self_check.sightings import Sightings
from infrastructure.ids import new_id
from interfaces.cli.operations import Finding, FindingState
from tests.support.application import served, settings_for
from tests.support.filters import filter_of
from tests.support.rows import connected
from tests.support.smtp import Inbox, smtp_server

OK, WARNING, FAILED = FindingState.OK, FindingState.WARNING, FindingState.FAILED
PROCESS = {
    "host": "one.internal", "pid": 7, "version": "0.1.0", "serves": True, "works": True, "clock_ahead": 0.0,
    "public_url": "https://auth.example.test",
}  # fmt: skip


async def examined(url: str, tmp_path: Path, **changes: Any) -> dict[str, Finding]:
    given = {"public_url": "https://auth.example.test", "data_dir": tmp_path, **changes}
    settings = settings_for(url, **given)
    findings = await asyncio.to_thread(examine, settings, {})
    return {each.name: each for each in findings}


async def runs(url: str, *, age: float = 5, sightings: Sightings | None = None, **changes: Any) -> None:
    row = {**PROCESS, **changes, "sightings": json.dumps(asdict(sightings or Sightings()))}
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    async with connected(url) as connection:
        await connection.execute(
            f"INSERT INTO processes ({', '.join(row)}, id, started_at, seen_at)"
            f" VALUES ({places}, ${len(row) + 1}, now(), now() - interval '{age} seconds')",
            *row.values(),
            new_id(),
        )


async def test_a_service_as_it_should_be(database_url: str, tmp_path: Path) -> None:
    await runs(database_url)
    found = await examined(database_url, tmp_path)
    expected = {"mail": WARNING, "signing_keys": WARNING, "role": WARNING}
    states = {name: each.state for name, each in found.items() if each.state is not OK}
    assert {name: state for name, state in states.items() if name != "role"} == {
        name: state for name, state in expected.items() if name != "role"
    }
    assert all(each.remedy for each in found.values() if each.state is not OK)


async def test_running_servers_tell_of_themselves(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, worker=True, public_url="https://auth.example.test")
    async with served(settings) as client:
        await client.signed_in()
        found = await examined(database_url, tmp_path)
        assert {found[name].state for name in ("servers", "worker", "proxies", "signing_keys", "clock")} == {OK}
        assert found["servers"].said.startswith("1 on 1 machine(s)")
    assert (await examined(database_url, tmp_path))["worker"].state is FAILED, "it took its leave"


@pytest.mark.parametrize(
    ("check", "state", "changes"),
    [
        ("servers", WARNING, {"age": 61}),
        ("worker", FAILED, {"works": False}),
        ("servers", WARNING, {"version": "0.0.9"}),
        ("servers", FAILED, {"public_url": "https://other.example.test"}),
        ("servers", FAILED, {"clock_ahead": -3.0}),
        (
            "proxies",
            FAILED,
            {"sightings": Sightings(requests=60, addresses=1, agents=9, callers=9, networks=("10.0.0.0/24",))},
        ),
        ("proxies", FAILED, {"sightings": Sightings(requests=9, forwarders=(("10.0.0.0/24", 9),))}),
        ("public_url_seen", WARNING, {"sightings": Sightings(requests=60, addresses=9)}),
    ],
)
async def test_what_processes_tell(
    database_url: str, tmp_path: Path, check: str, state: FindingState, changes: dict[str, Any]
) -> None:
    await runs(database_url, **changes)
    assert (await examined(database_url, tmp_path))[check].state is state


async def test_an_outbox_that_does_not_move(database_url: str, tmp_path: Path) -> None:
    async with connected(database_url) as connection:
        await connection.execute(
            "WITH e AS (INSERT INTO events (id, type, data) VALUES (gen_random_uuid(), 'a.b', '{}') RETURNING position)"
            " INSERT INTO deliveries (subscriber, event_position, parked_at) SELECT 'x', position, now() FROM e"
        )
    assert (await examined(database_url, tmp_path))["outbox"].state is WARNING
    async with connected(database_url) as connection:
        await connection.execute("UPDATE deliveries SET parked_at = NULL, created_at = now() - interval '6 minutes'")
    assert (await examined(database_url, tmp_path))["outbox"].state is FAILED


async def test_what_is_put_off_is_not_late_before_its_time(database_url: str, tmp_path: Path) -> None:
    """Strangers put mail off, by signing up with one address again and again."""
    async with connected(database_url) as connection:
        await connection.execute(
            "WITH e AS (INSERT INTO events (id, type, data) VALUES (gen_random_uuid(), 'a.b', '{}') RETURNING position)"
            " INSERT INTO deliveries (subscriber, event_position, created_at, due_at, attempts)"
            " SELECT 'x', position, now() - interval '1 hour', now() + interval '1 minute', 2 FROM e"
        )
    assert (await examined(database_url, tmp_path))["outbox"].state is OK
    async with connected(database_url) as connection:
        await connection.execute("UPDATE deliveries SET due_at = now() - interval '6 minutes'")
    assert (await examined(database_url, tmp_path))["outbox"].state is FAILED
    async with connected(database_url) as connection:
        await connection.execute("UPDATE deliveries SET due_at = now() + interval '1 minute', last_error = 'away'")
    assert (await examined(database_url, tmp_path))["outbox"].state is FAILED


async def test_lists_of_passwords_that_are_being_tried(database_url: str, tmp_path: Path) -> None:
    assert (await examined(database_url, tmp_path))["sign_ins"].state is OK
    async with connected(database_url) as connection:
        await connection.execute(
            "INSERT INTO stuffing_episodes (id, kind, subject, failed, accounts, sources)"
            " VALUES (gen_random_uuid(), 'many_sources', '', 90, 80, 70)"
        )
    found = (await examined(database_url, tmp_path))["sign_ins"]
    assert (found.state, "many sources together: 90 failed" in found.said) == (WARNING, True)


async def test_an_older_schema(database_url: str, tmp_path: Path) -> None:
    async with connected(database_url) as connection:
        await connection.execute("UPDATE schema_version SET version_num = '0001'")
    found = (await examined(database_url, tmp_path))["schema"]
    assert (found.state, found.remedy) == (FAILED, "run `crm-auth db upgrade`")


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    found = await examined("postgresql://nobody:walnutferry@127.0.0.1:1/nothing", tmp_path)
    assert found["database"].state is FAILED
    assert "walnutferry" not in str(found)
    assert found["photos"].state is OK, "the rest is looked at all the same"


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    (folder / "photos").write_text("in the way")
    yield folder


async def test_photos_that_cannot_be_written(database_url: str, tmp_path: Path) -> None:
    with locked(tmp_path) as folder:
        assert (await examined(database_url, folder))["photos"].state is FAILED


async def test_a_mail_server_is_greeted_and_sent_nothing(database_url: str, tmp_path: Path) -> None:
    inbox = Inbox()
    with smtp_server(inbox) as server:
        url = f"smtp://127.0.0.1:{server.port}?starttls=off"
        assert (await examined(database_url, tmp_path, mail_url=url))["mail"].state is OK
    assert inbox.messages == []
    assert (await examined(database_url, tmp_path, mail_url=url))["mail"].state is FAILED


async def test_secrets_that_others_read(database_url: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(stat.S_IRUSR | stat.S_IROTH)
    findings = await asyncio.to_thread(
        examine, settings_for(database_url, data_dir=tmp_path), {"CRM_AUTH_SECRET_KEY_FILE": str(secret)}
    )
    assert next(each for each in findings if each.name == "secret_files").state is FAILED


def test_settings_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_AUTH_WORKER", "perhaps")
    monkeypatch.setenv("CRM_AUTH_WRKER", "on")
    findings = ServiceOperations().examine()
    assert [each.state for each in findings] == [FAILED, FAILED]
    assert Settings().worker


async def test_s03_the_filter_of_breached_passwords_is_read(tmp_path: Path) -> None:
    theirs = filter_of(tmp_path / "filter", ["known to the operator"])
    found = {
        choice: await breached_passwords(Patient(settings=Settings(breached_passwords=choice), environment={}))
        for choice in ("starter", str(theirs), "off", str(tmp_path / "nowhere"))
    }
    theirs.write_bytes(theirs.read_bytes()[:-1])
    cut = await breached_passwords(Patient(settings=Settings(breached_passwords=str(theirs)), environment={}))

    assert [each.state for each in found.values()] == [OK, OK, WARNING, FAILED]
    assert "the starter filter, 341,221 passwords, built 2026-10-15" in found["starter"].said
    assert f"{theirs}, 1 passwords, built 2026-11-03" in found[str(theirs)].said
    assert (cut.state, "is damaged" in cut.said) == (FAILED, True)


async def test_g04_an_audit_log_that_is_not_gone_on_with(database_url: str, tmp_path: Path) -> None:
    insert = (
        "INSERT INTO events (id, type, occurred_at, data) VALUES (gen_random_uuid(), 'a.b', now() - $1::interval, '{}')"
    )
    async with connected(database_url) as connection:
        await connection.execute(insert, timedelta(seconds=5))
        assert (await examined(database_url, tmp_path))["audit"].state is OK
        await connection.execute("DELETE FROM audit_queue")
        await connection.execute(insert, timedelta(minutes=2))
    assert (await examined(database_url, tmp_path))["audit"].state is FAILED


@pytest.mark.parametrize(("days", "state"), [(401, OK), (403, WARNING)])
async def test_g04_an_audit_log_that_goes_back_too_far(
    database_url: str, tmp_path: Path, days: int, state: FindingState
) -> None:
    async with connected(database_url) as connection:
        at = await connection.fetchval(
            "SELECT to_char(now() AT TIME ZONE 'UTC' - $1::interval, 'YYYY-MM-DD')", timedelta(days=days)
        )
        entry = json.dumps({"event": str(UUID(int=1)), "type": "a.b", "at": f"{at}T00:00:00Z"})
        await connection.execute(
            "INSERT INTO audit_entries (sequence, entry, personal, hash) VALUES (1, $1, '', '')", entry
        )
        body = json.dumps({"sequence": 1, "at": f"{at}T23:59:59Z"})
        await connection.execute("INSERT INTO audit_heads (number, body, signature) VALUES (1, $1, '')", body)
    assert (await examined(database_url, tmp_path))["audit"].state is state


async def test_g04_heads_that_cannot_be_written_off_the_host(database_url: str, tmp_path: Path) -> None:
    insert = (
        "INSERT INTO audit_heads (number, body, signature) SELECT number, $1, '' FROM generate_series(1, 11) number"
    )
    async with connected(database_url) as connection:
        await connection.execute(insert, json.dumps({"sequence": 0, "at": "2026-11-03T00:00:00Z"}))
    kept_here = await examined(database_url, tmp_path)
    elsewhere = await examined(database_url, tmp_path, audit_heads=(tmp_path / "heads").as_uri())
    assert (kept_here["audit"].state, elsewhere["audit"].state) == (OK, WARNING)
