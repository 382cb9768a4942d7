"""The console script: what it says, and the exit codes that scripts rely on.

0 done, 1 refused or failed, 2 wrong usage.
"""

import json
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client import Person, client_of
from tests.support.database import data_folder
from tests.support.figures import figure
from tests.support.rows import connected, contents
from tests.support.server import (
    SECRET_KEY,
    Server,
    crm_auth,
    environment_of,
    run_crm_auth,
    running_server,
    settings_on,
)

HELP_LIMIT = 0.5
"""Seconds of processor time: by the clock it would be a measure of what else the machine does."""
NOWHERE = "postgresql://somebody:s3cret-word@127.0.0.1:1/nowhere"


def _processor_seconds(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(crm_auth(*arguments), env=environment_of({}), capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_comes_at_once() -> None:
    best = min(_processor_seconds("--help") for _ in range(5))
    figure(f"--help: {best:.2f} s of processor time")
    assert best < HELP_LIMIT


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--help"], ["serve", "worker", "db", "config", "users", "outbox"]),
        (["outbox", "--help"], ["list", "retry", "drop"]),
        (["db", "--help"], ["init", "upgrade", "downgrade", "current", "check"]),
        (["serve", "-h"], ["--host", "--port", "--workers"]),
        (["users", "create", "--help"], ["--email", "--username", "--password-stdin", "--json"]),
        (["--version"], ["crm-auth"]),
    ],
)
def test_help_names_what_there_is(arguments: list[str], named: list[str]) -> None:
    ran = run_crm_auth(*arguments)
    assert ran.returncode == 0
    assert all(name in ran.stdout for name in named)


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["serve", "--port", "0"], ["serve", "--workers", "0"], ["users", "create"], ["db", "go"]]
)
def test_wrong_usage_is_told_from_failure(arguments: list[str]) -> None:
    assert run_crm_auth(*arguments).returncode == 2


def test_g02_config_shows_what_is_in_force_and_no_secret() -> None:
    admin = "postgresql://admin:another-secret@127.0.0.1/postgres"
    ran = run_crm_auth("config", settings=settings_on(NOWHERE, database_admin_url=admin, public_url="https://a.test/"))
    assert ran.returncode == 0
    shown = dict(line.split("=", 1) for line in ran.stdout.splitlines() if not line.startswith("#"))
    assert shown["CRM_AUTH_PUBLIC_URL"] == "https://a.test"
    assert shown["CRM_AUTH_SESSION_LIFETIME"] == "86400"
    assert shown["CRM_AUTH_RATE_LIMITS"] == "on"
    assert shown["CRM_AUTH_SECRET_KEY"] == shown["CRM_AUTH_DATABASE_URL"] == "********"
    for secret in (SECRET_KEY, "s3cret-word", "another-secret"):
        assert secret not in ran.stdout + ran.stderr


def test_c07_a_setting_from_a_file(tmp_path: Path) -> None:
    """As container platforms hand out secrets."""
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET_KEY}\n")
    secret.chmod(0o600)
    settings = {"CRM_AUTH_DATABASE_URL": NOWHERE, "CRM_AUTH_SECRET_KEY_FILE": str(secret)}
    assert run_crm_auth("config", settings=settings).returncode == 0


REFUSED_SETTINGS = {
    "unknown": ({"CRM_AUTH_SESION_LIFETIME": "5"}, "CRM_AUTH_SESION_LIFETIME"),
    "not a number": ({"CRM_AUTH_SESSION_LIFETIME": "a day"}, "CRM_AUTH_SESSION_LIFETIME"),
    "out of bounds": ({"CRM_AUTH_PASSWORD_MIN_LENGTH": "4"}, "CRM_AUTH_PASSWORD_MIN_LENGTH"),
    "not a switch": ({"CRM_AUTH_RATE_LIMITS": "yes"}, "CRM_AUTH_RATE_LIMITS"),
    "another database": ({"CRM_AUTH_DATABASE_URL": "mysql://x"}, "CRM_AUTH_DATABASE_URL"),
    "not a URL": ({"CRM_AUTH_PUBLIC_URL": "auth.example.com"}, "CRM_AUTH_PUBLIC_URL"),
    "hashing that is too cheap": ({"CRM_AUTH_ARGON2_MEMORY_KIB": "8192"}, "CRM_AUTH_ARGON2_MEMORY_KIB"),
    "both ways": ({"CRM_AUTH_SECRET_KEY": SECRET_KEY, "CRM_AUTH_SECRET_KEY_FILE": "/x"}, "CRM_AUTH_SECRET_KEY"),
    "a file that is not there": ({"CRM_AUTH_SECRET_KEY_FILE": "/nowhere/secret"}, "/nowhere/secret"),
}


@pytest.mark.parametrize("command", ["config", "serve"])
@pytest.mark.parametrize(("settings", "named"), REFUSED_SETTINGS.values(), ids=REFUSED_SETTINGS)
def test_a_setting_that_is_not_acceptable_is_named(command: str, settings: dict[str, str], named: str) -> None:
    ran = run_crm_auth(command, settings=settings)
    assert ran.returncode == 1
    assert named in ran.stderr
    assert "Traceback" not in ran.stderr


def test_all_problems_are_named_at_once() -> None:
    ran = run_crm_auth("config", settings={"CRM_AUTH_NONSENSE": "1", "CRM_AUTH_DOCS": "maybe", "CRM_AUTH_SIGNUP": "?"})
    assert all(name in ran.stderr for name in ("CRM_AUTH_NONSENSE", "CRM_AUTH_DOCS", "CRM_AUTH_SIGNUP"))


def test_what_kubernetes_injects_is_no_setting() -> None:
    links = {"CRM_AUTH_SERVICE_HOST": "10.0.0.1", "CRM_AUTH_PORT": "tcp://10.0.0.1:80", "CRM_AUTH_SERVICE_PORT": "80"}
    assert run_crm_auth("config", settings=links).returncode == 0


WEAK_SECRETS = {
    "missing": ("", "is missing"),
    "short": ("x8Kq2mVt9Lr4Zp7Ws1Yd5Bn", "shorter than 32"),
    "sample": ("changeme-changeme-changeme-1234567890", "sample"),
    "of one character": ("a" * 40, "repeats"),
    "a sequence": ("abcdefghijklmnopqrstuvwxyz0123456789", "sequence"),
    "weak behind a good one": (f"{SECRET_KEY},secret", "value 2"),
}


@pytest.mark.parametrize(("secret", "reason"), WEAK_SECRETS.values(), ids=WEAK_SECRETS)
def test_c01_serving_an_external_database_demands_a_good_secret(secret: str, reason: str) -> None:
    """C01: which setting, and why; never what it was."""
    ran = run_crm_auth("serve", settings={"CRM_AUTH_DATABASE_URL": NOWHERE, "CRM_AUTH_SECRET_KEY": secret})
    assert ran.returncode == 1
    assert "CRM_AUTH_SECRET_KEY" in ran.stderr
    assert reason in ran.stderr
    assert not secret or secret not in ran.stderr


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666])
def test_c01_a_secret_that_everybody_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """C01."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET_KEY)
    secret.chmod(mode)
    settings = {"CRM_AUTH_DATABASE_URL": NOWHERE, "CRM_AUTH_SECRET_KEY_FILE": str(secret)}
    ran = run_crm_auth("serve", settings=settings)
    assert ran.returncode == 1
    assert "CRM_AUTH_SECRET_KEY_FILE" in ran.stderr
    assert str(secret) in ran.stderr
    assert SECRET_KEY not in ran.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_serving_a_database_without_a_schema_says_what_to_do(database_url: str, workers: str) -> None:
    async with connected(database_url) as connection:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"CREATE DATABASE {name}_empty TEMPLATE template0")
    try:
        settings = settings_on(database_url.replace(name, f"{name}_empty"))
        ran = run_crm_auth("serve", "--port", "19999", "--workers", workers, settings=settings)
        assert ran.returncode == 1
        assert "run `crm-auth db upgrade`" in ran.stderr
        assert "Traceback" not in ran.stderr
    finally:
        async with connected(database_url) as connection:
            await connection.execute(f"DROP DATABASE {name}_empty WITH (FORCE)")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serving_a_database_that_never_answers_gives_up_with_a_reason(workers: str) -> None:
    settings = settings_on(NOWHERE, database_start_timeout="1")
    ran = run_crm_auth("serve", "--port", "19999", "--workers", workers, settings=settings)
    assert ran.returncode == 1
    assert "waiting for the database" in ran.stderr
    assert "The database did not answer for 1 s" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "s3cret-word" not in ran.stderr


async def test_serving_with_a_changed_secret_says_what_to_do(server: Server, database_url: str) -> None:
    settings = settings_on(database_url) | {"CRM_AUTH_SECRET_KEY": SECRET_KEY[::-1]}
    ran = run_crm_auth("serve", "--port", "19999", settings=settings)
    assert ran.returncode == 1
    assert "CRM_AUTH_SECRET_KEY was changed" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_port_that_is_taken(server: Server, database_url: str) -> None:
    for workers in ("1", "2"):
        ran = run_crm_auth(
            "serve", "--port", str(server.port), "--workers", workers, settings=settings_on(database_url)
        )
        assert ran.returncode == 1
        assert "Traceback" not in ran.stderr


def _create(database_url: str, person: Person, *options: str) -> "subprocess.CompletedProcess[str]":
    arguments = ["--email", person.email, "--username", person.username, "--password-stdin", *options]
    return run_crm_auth("users", "create", *arguments, settings=settings_on(database_url), typed=f"{person.password}\n")


async def test_a_user_created_here_can_sign_in(server: Server, database_url: str) -> None:
    ada = Person.new()
    ran = _create(database_url, ada, "--given-name", "Ada", "--json")
    assert ran.returncode == 0, ran.stderr
    created = json.loads(ran.stdout)
    assert (created["email"], created["username"], created["given_name"]) == (ada.email, ada.username, "Ada")
    assert created["status"] == "active"
    assert ada.password not in ran.stdout + ran.stderr
    async with client_of(server.url) as client:
        answer = await client.log_in(ada.username, ada.password)
        assert answer.status_code == 201
        assert answer.json()["user"]["id"] == created["id"]
    plain = _create(database_url, Person.new())
    assert plain.returncode == 0
    assert "active" in plain.stdout


async def test_refusals_say_why_and_leave_nothing(server: Server, database_url: str) -> None:
    async with client_of(server.url) as client:
        owner = await client.registered()
    other = Person.new()
    before = await contents(database_url)
    refusals = {
        "email_taken": Person(owner.email.upper(), other.username, other.password),
        "username_taken": Person(other.email, owner.username, other.password),
        "password_too_short": Person(other.email, other.username, "too short"),
        "password_common": Person(other.email, other.username, "letmeinpassword1"),
        "invalid_email": Person("nobody", other.username, other.password),
        "invalid_username": Person(other.email, "no", other.password),
    }
    for code, person in refusals.items():
        ran = _create(database_url, person, "--json")
        assert (ran.returncode, ran.stdout) == (1, ""), code
        assert code in ran.stderr
        assert person.password not in ran.stderr
    assert await contents(database_url) == before


async def test_closed_sign_up_keeps_strangers_out_and_the_operator_in(database_url: str, tmp_path: Path) -> None:
    settings = settings_on(database_url, signup="closed")
    ada = Person.new()
    with running_server(settings, log=tmp_path / "log") as server:
        async with client_of(server.url) as client:
            refused = await client.sign_up(ada)
            assert (refused.status_code, refused.json()["code"]) == (403, "signup_closed")
            assert _create(database_url, ada).returncode == 0
            assert (await client.log_in(ada.email, ada.password)).status_code == 201


@pytest.fixture
def folder() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


async def test_users_and_schema_beside_a_running_embedded_server(folder: Path, tmp_path: Path) -> None:
    """The commands join the database that the server owns, and leave it running."""
    settings = {"CRM_AUTH_DATA_DIR": str(folder)}
    ada = Person.new()
    create = ["users", "create", "--email", ada.email, "--username", ada.username, "--password-stdin"]
    before = run_crm_auth(*create, settings=settings, typed=f"{ada.password}\n")
    assert before.returncode == 0, before.stderr
    with running_server(settings, log=tmp_path / "log") as server:
        assert run_crm_auth("db", "check", settings=settings).returncode == 0
        again = run_crm_auth(*create, settings=settings, typed=f"{ada.password}\n")
        assert (again.returncode, "email_taken" in again.stderr) == (1, True)
        async with client_of(server.url) as client:
            assert (await client.log_in(ada.email, ada.password)).status_code == 201


def test_c01_k09_a_generated_secret_that_others_may_read_is_refused(folder: Path) -> None:
    """C01, for the one the embedded default made itself."""
    settings = {"CRM_AUTH_DATA_DIR": str(folder)}
    created = run_crm_auth(
        "users", "create", "--email", "a@example.test", "--username", "ada", "--password-stdin",
        settings=settings, typed="walnut ferry copper sunday\n",
    )  # fmt: skip
    assert created.returncode == 0, created.stderr
    secret = folder / "secret_key"
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.chmod(0o644)
    refused = run_crm_auth("serve", "--port", "19999", settings=settings)
    assert refused.returncode == 1
    assert str(secret) in refused.stderr
