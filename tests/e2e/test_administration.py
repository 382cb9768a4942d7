"""Administration from the command line, as an operator types it, while the service runs."""

import asyncio
import json
import os
import pwd
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from application.origin import Origin
from bootstrap.container import make_container
from bootstrap.lifespan import running
from bootstrap.settings import Settings
from tests.support.client import Person, ServiceClient, SignedIn, client_of, problem_of
from tests.support.database import data_folder
from tests.support.figures import figure
from tests.support.rows import connected, contents, dump
from tests.support.server import Server, run_crm_auth, running_server, settings_on

ROUNDS = int(os.environ.get("TEST_DISABLE_ROUNDS", "10"))
REFRESHES = 8
SIGN_INS = 2
OPERATOR = pwd.getpwuid(os.getuid()).pw_name

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def server(eager_server: Server) -> Server:
    """Sign-ins race here, and none is to be refused for having waited."""
    return eager_server


@pytest.fixture
def users(server: Server) -> Run:
    """``crm-auth users ...`` on the server's database, as somebody whom sudo does not name."""
    settings = settings_on(server.settings["CRM_AUTH_DATABASE_URL"]) | {"SUDO_USER": ""}
    return lambda *arguments, **more: run_crm_auth("users", *arguments, settings=settings | more)


def printed(ran: "subprocess.CompletedProcess[str]") -> Any:
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


async def actions_on(database_url: str, user_id: UUID) -> list[tuple[str, Any]]:
    """Type and data of what operators did to an account, in its order."""
    async with connected(database_url) as connection:
        rows = await connection.fetch(
            "SELECT type, data, ip_address FROM events WHERE user_id = $1 AND data ? 'actor'"
            " ORDER BY transaction_id, position",
            user_id,
        )
    assert all(row["ip_address"] is None for row in rows)
    return [(row["type"], json.loads(row["data"])) for row in rows]


async def assert_dead(client: ServiceClient, *sessions: SignedIn) -> None:
    for session in sessions:
        assert (await client.profile(session.access_token)).status_code == 401
        refused = await client.refresh(session.refresh_token)
        assert (refused.status_code, problem_of(refused)["code"]) == (401, "invalid_refresh_token")


async def test_a03_g01_disabling_refuses_everything_at_once_and_enabling_lets_sign_in_again(
    client: ServiceClient, users: Run, database_url: str
) -> None:
    """A03, G01."""
    ada = await client.registered()
    phone, laptop = await client.signed_in(ada), await client.signed_in(ada)
    stranger = await client.signed_in()

    assert printed(users("disable", ada.email.upper(), "--json"))["status"] == "disabled"
    await assert_dead(client, phone, laptop)
    assert problem_of(await client.log_in(ada.username, ada.password))["code"] == "invalid_credentials"
    again = users("disable", ada.username)
    assert (again.returncode, again.stdout) == (0, f"{ada.username} is disabled already; nothing was changed.\n")
    assert (await client.profile(stranger.access_token)).status_code == 200

    assert users("enable", str(phone.user_id)).stdout == f"{ada.username} is active.\n"
    await assert_dead(client, phone, laptop)
    assert (await client.log_in(ada.username, ada.password)).status_code == 201

    by_us = {"actor": f"operator:{OPERATOR}"}
    ended = ("session.ended", by_us | {"reason": "account_disabled"})
    done = await actions_on(database_url, phone.user_id)
    assert sorted(done[:3], key=str) == sorted([("user.disabled", by_us), ended, ended], key=str)
    assert done[3:] == [("user.enabled", by_us)]
    async with connected(database_url) as connection:
        assert await connection.fetchval("SELECT authz_epoch FROM users WHERE id = $1", phone.user_id) == 2


async def test_a04_sessions_are_listed_and_ended_one_by_one_or_all(
    client: ServiceClient, users: Run, database_url: str
) -> None:
    """A04."""
    ada = await client.registered()
    first, second, third = [await client.signed_in(ada) for _ in range(3)]
    listed = printed(users("sessions", ada.username, "--json"))
    assert [session["id"] for session in listed["items"]] == [
        str(session.session_id) for session in (third, second, first)
    ]
    over_http = (await client.session(first.access_token)).json()
    shown = listed["items"][2]
    assert {name: shown[name] for name in over_http if name != "current"} == {
        name: value for name, value in over_http.items() if name != "current"
    }
    assert (shown["ends_at"], shown["ends_by"]) == (over_http["idle_expires_at"], "idle")
    table = users("sessions", ada.username).stdout.splitlines()
    assert [line.split()[-1] for line in table[1:]] == [session["id"] for session in listed["items"]]

    assert users("end-sessions", ada.username, "--session", str(second.session_id)).returncode == 0
    await assert_dead(client, second)
    for gone in (second.session_id, (await client.signed_in()).session_id):
        ran = users("end-sessions", ada.username, "--session", str(gone))
        assert (ran.returncode, ran.stdout) == (3, ""), "ended already, and somebody else's"
        assert "session_not_found" in ran.stderr
    assert (await client.profile(first.access_token)).status_code == 200
    assert users("end-sessions", ada.username).returncode == 0
    await assert_dead(client, first, second, third)
    assert printed(users("sessions", ada.username, "--json")) == {"items": [], "next_cursor": None}
    assert (await client.log_in(ada.username, ada.password)).status_code == 201

    ended = {"actor": f"operator:{OPERATOR}", "reason": "revoked_by_operator"}
    assert await actions_on(database_url, first.user_id) == [("session.ended", ended)] * 3


async def test_accounts_are_created_shown_listed_and_searched(
    client: ServiceClient, users: Run, database_url: str
) -> None:
    ada = Person.new("lovelace")
    created = printed(
        run_crm_auth(
            "users", "create", "--email", ada.email, "--username", ada.username, "--given-name", "Ada",
            "--family-name", "Öztürk", "--password-stdin", "--json",
            settings=settings_on(database_url) | {"SUDO_USER": ""}, typed=f"{ada.password}\n",
        )
    )  # fmt: skip
    assert await actions_on(database_url, UUID(created["id"])) == [
        ("user.registered", {"actor": f"operator:{OPERATOR}"})
    ]
    signed_in = await client.signed_in(ada)
    over_http = (await client.profile(signed_in.access_token)).json()
    for identifier in (ada.email.upper(), ada.username.upper(), created["id"]):
        assert printed(users("show", identifier, "--json")) == over_http == created
    newest = printed(users("list", "--json", "--limit", "1"))
    assert (newest["items"], newest["next_cursor"]) == ([created], created["id"])
    rest = printed(users("list", "--json", "--all", "--after", created["id"]))
    assert created not in rest["items"]
    for text in (ada.email[3:].upper(), "ada ÖZT", "öztÜRK"):
        assert created in printed(users("search", text, "--json", "--limit", "1000"))["items"]
    assert printed(users("search", ada.username, "--status", "disabled", "--json"))["items"] == []


async def test_p12_a_reset_gives_a_link_and_the_owner_alone_the_password(
    client: ServiceClient, users: Run, database_url: str
) -> None:
    """P12: until the link is used nothing changes, and it is used once."""
    ada = await client.registered()
    session = await client.signed_in(ada)
    ran = users("reset-password", ada.email, CRM_AUTH_PUBLIC_URL="https://auth.example.test")
    assert ran.returncode == 0, ran.stderr
    [link] = ran.stdout.splitlines()
    assert link.startswith("https://auth.example.test/password-reset?token=")
    [token] = parse_qs(urlsplit(link).query)["token"]
    assert token not in ran.stderr
    assert token not in await dump(database_url)
    assert (await client.profile(session.access_token)).status_code == 200

    new = {"token": token, "new_password": "gravel tulip anchor monday"}
    assert (await client.http.post("/v1/password-resets/confirm", json=new)).status_code == 204
    assert (await client.http.post("/v1/password-resets/confirm", json=new)).status_code == 422
    await assert_dead(client, session)
    assert (await client.log_in(ada.username, ada.password)).status_code == 401
    assert (await client.log_in(ada.username, new["new_password"])).status_code == 201
    [(kind, data)] = await actions_on(database_url, session.user_id)
    assert (kind, data["actor"]) == ("password_reset.started", f"operator:{OPERATOR}")


async def test_a03_deleting_leaves_nothing_personal_and_no_way_in(
    client: ServiceClient, users: Run, database_url: str
) -> None:
    """A03."""
    ada = await client.registered()
    session = await client.signed_in(ada)
    assert users("delete", ada.username).returncode == 1, "nobody has said yes"
    assert (await client.profile(session.access_token)).status_code == 200

    assert users("delete", ada.username, "--yes").stdout == f"{ada.username} is deleted.\n"

    await assert_dead(client, session)
    assert (await client.log_in(ada.username, ada.password)).status_code == 401
    assert ada.email not in await dump(database_url)
    assert ada.username not in await dump(database_url)
    again = await client.sign_up(ada)
    assert (again.status_code, again.json()["code"]) == (409, "username_taken")
    assert users("delete", str(session.user_id), "--yes").returncode == 3
    by_us = {"actor": f"operator:{OPERATOR}"}
    assert sorted(await actions_on(database_url, session.user_id)) == [
        ("session.ended", by_us | {"reason": "account_deleted"}), ("user.deleted", by_us),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "command", ["show", "disable", "enable", "sessions", "end-sessions", "reset-password", "delete"]
)
async def test_nobody_is_exit_code_3_and_changes_nothing(server: Server, users: Run, command: str) -> None:
    before = await contents(server.settings["CRM_AUTH_DATABASE_URL"])
    ran = users(command, "nobody@example.test", *(["--yes"] if command == "delete" else []))
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "user_not_found" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert await contents(server.settings["CRM_AUTH_DATABASE_URL"]) == before


def test_help_of_the_group_comes_at_once() -> None:
    ran = run_crm_auth("users", "--help")
    assert ran.returncode == 0
    for command in (
        "create",
        "show",
        "list",
        "search",
        "disable",
        "enable",
        "sessions",
        "end-sessions",
        "reset-password",
    ):
        assert f"\n  {command} " in ran.stdout


@pytest.fixture
async def set_status(database_url: str) -> AsyncIterator[Callable[[str, str], Awaitable[None]]]:
    """What the commands call, without a process each time."""
    settings = Settings.from_environment(settings_on(database_url))
    async with running(make_container(settings)) as container:

        async def run(verb: str, username: str) -> None:
            use_cases = container.use_cases
            use_case = use_cases.disable_user() if verb == "disable" else use_cases.enable_user()
            await use_case(username, Origin(operator="race"))

        yield run


async def test_a03_o02_r11_x13_no_session_survives_a_disabling_that_races_with_refreshes_and_sign_ins(
    server: Server, database_url: str, set_status: Callable[[str, str], Awaitable[None]]
) -> None:
    """A03, O02: whichever comes first. The disabling comes a little later in each round, up to after all of them."""
    answered: Counter[str] = Counter()
    survived = 0
    async with client_of(server.url) as client:
        ada = await client.registered()
        for number in range(ROUNDS):
            session = await client.signed_in(ada)
            answers = await _race(client, ada, session, set_status, delay=number % 10 * 0.012)
            answered.update(f"{answer.request.url.path} {answer.status_code}" for answer in answers)
            handed_out = [session, *(SignedIn.of(answer) for answer in answers if answer.is_success)]
            survived += await _live_sessions(database_url, session.user_id)
            await assert_dead(client, *{one.refresh_token: one for one in handed_out}.values())
            await set_status("enable", ada.username)
            survived += await _live_sessions(database_url, session.user_id)
            await assert_dead(client, *{one.refresh_token: one for one in handed_out}.values())
    figure(f"{ROUNDS} disablings, each racing with {REFRESHES} refreshes and {SIGN_INS} sign-ins: {dict(answered)}")
    figure(f"sessions that survived a disabling: {survived}")
    assert survived == 0
    assert {status for status in answered if not status.endswith((" 200", " 201", " 401"))} == set()


async def _race(
    client: ServiceClient,
    ada: Person,
    session: SignedIn,
    set_status: Callable[[str, str], Awaitable[None]],
    *,
    delay: float,
) -> list[httpx.Response]:
    async def disable() -> None:
        await asyncio.sleep(delay)
        await set_status("disable", ada.username)

    racing = [
        *(client.log_in(ada.username, ada.password) for _ in range(SIGN_INS)),
        *(client.refresh(session.refresh_token) for _ in range(REFRESHES)),
    ]
    disabling = asyncio.create_task(disable())
    answers = await asyncio.gather(*racing)
    await disabling
    return list(answers)


async def _live_sessions(database_url: str, user_id: UUID) -> int:
    """Whatever the account's status: one that nobody ended would live again."""
    async with connected(database_url) as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM sessions WHERE user_id = $1 AND ended_at IS NULL", user_id
        )
    return count


@pytest.fixture
def folder() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


async def test_it_works_on_the_embedded_database_whether_the_server_runs_or_not(folder: Path, tmp_path: Path) -> None:
    settings = {"CRM_AUTH_DATA_DIR": str(folder)}
    ada = Person.new()
    create = ["users", "create", "--email", ada.email, "--username", ada.username, "--password-stdin"]
    assert run_crm_auth(*create, settings=settings, typed=f"{ada.password}\n").returncode == 0
    with running_server(settings, log=tmp_path / "log") as server:
        async with client_of(server.url) as client:
            session = await client.signed_in(ada)
            assert run_crm_auth("users", "disable", ada.username, settings=settings).returncode == 0
            await assert_dead(client, session)
    listed = printed(run_crm_auth("users", "list", "--json", settings=settings))
    assert [user["status"] for user in listed["items"]] == ["disabled"]
    assert run_crm_auth("users", "enable", ada.username, settings=settings).returncode == 0
