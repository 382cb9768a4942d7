"""A text of its own in every place that the API document has, and in others; then a look at where they turned up.

At the log level that tells most, in both formats, and while the database, the mail server or the code fails.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from itertools import cycle, islice
from pathlib import Path

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.canaries import Call, Canaries, misplaced
from tests.support.client import Person, ServiceClient, SignedIn, bearer, client_of
from tests.support.database import DatabaseServer
from tests.support.operations import Operation, operations
from tests.support.rows import connected, dump
from tests.support.server import Server, running_server, settings_on, until
from tests.support.smtp import Inbox, smtp_server

NEW = "saffron ladder orbit velvet"
TOKEN = re.compile(r"token=(crm_\w\w_[\w-]{43})")
PAGES = ("/password-reset", "/email-verification", "/email-rejection", "/account-freeze")
ECHOED = ("x-request-id",)


@dataclass
class Repeating(Inbox):
    """A mail server that, once told to, refuses what it is given and quotes the links in it."""

    refuses: bool = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if not self.refuses:
            return await super().handle_DATA(server, session, envelope)
        content = envelope.content
        assert isinstance(content, bytes)
        text = content.replace(b"=\r\n", b"").replace(b"=3D", b"=").decode()
        return "554 5.7.1 Blocked for " + " ".join(TOKEN.findall(text) or ["nothing"])


@dataclass
class Walk:
    """What was sent, and where it may have gone."""

    server: Server
    database: str
    inbox: Repeating
    canaries: Canaries = field(default_factory=Canaries)
    secrets: dict[str, str] = field(default_factory=dict)
    """Real ones, by what they are."""
    answers: list[tuple[Call, httpx.Response]] = field(default_factory=list)
    owner: Person = field(default_factory=Person.new)
    refused: list[str] = field(default_factory=list)
    """Tokens in mails that the mail server did not take, as it quoted them."""

    @property
    def log(self) -> str:
        return self.server.log

    async def send(self, client: ServiceClient, call: Call, access_token: str | None = None) -> httpx.Response:
        answer = await call.send(client.http, access_token)
        self.answers.append((call, answer))
        return answer


@pytest.fixture(scope="module", params=["json", "console"])
async def walk(
    request: pytest.FixtureRequest, database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Walk]:
    url, folder, inbox = await database_server.create(), tmp_path_factory.mktemp("walk"), Repeating()
    with smtp_server(inbox) as post:
        settings = settings_on(
            url, log_level="debug", log_format=request.param, rate_limits="off", hash_workers="2",
            mail_url=f"smtp://127.0.0.1:{post.port}?starttls=off", photo_url=(folder / "photos").as_uri(),
        )  # fmt: skip
        with running_server(settings, log=folder / "log") as server:
            walk = Walk(server, url, inbox)
            async with client_of(server.url) as client:
                if request.param == "json":
                    await _everywhere(walk, client)
                await _journey(walk, client)
                await _without_a_table(walk, client)
                await _without_a_mail_server(walk, client)
            yield walk
    await database_server.drop(url)


async def _everywhere(walk: Walk, client: ServiceClient) -> None:
    for operation in operations():
        person, session = await _caller(client, operation)
        for call in walk.canaries.calls(operation, person.password):
            await walk.send(client, call, session.access_token if session else None)
    for path in ("/nowhere", "/v1", "/docs/assets", *PAGES):
        canary = walk.canaries.new(f"{path}, query")
        await client.http.get(path, params={"token": canary, canary: "x"})
        await client.http.get(f"{path}/{walk.canaries.new(f'{path}, path')}")
        await client.http.post(path, data={"token": walk.canaries.new(f"{path}, form"), "new_password": canary})


async def _caller(client: ServiceClient, operation: Operation) -> tuple[Person, SignedIn | None]:
    if not operation.is_protected:
        return Person.new(), None
    person = await client.registered()
    return person, await client.signed_in(person)


async def _journey(walk: Walk, client: ServiceClient) -> None:
    """Everything a person can hold that opens something; each then goes to every place where it does not belong."""
    ada = walk.owner
    assert (await client.sign_up(ada)).status_code == 201
    signed_in = await client.log_in(ada.email, ada.password)
    session = SignedIn.of(signed_in)
    newer = SignedIn.of(await client.refresh(session.refresh_token))
    await client.http.post("/v1/password-resets", json={"email": ada.email})
    change = {"new_email": Person.new().email, "password": ada.password}
    await client.http.post("/v1/users/me/email", json=change, headers=bearer(newer.access_token))
    walk.secrets = {
        "password": ada.password,
        "refresh token that was replaced": session.refresh_token,
        "refresh token": newer.refresh_token,
        "access token": newer.access_token,
        "token of a device": signed_in.headers["x-device-token"],
        "verification token": await _mailed(walk, ada.email, "crm_ev_"),
        "reset token": await _mailed(walk, ada.email, "crm_pr_"),
        "token of a new address": await _mailed(walk, change["new_email"], "crm_ne_"),
    }
    for operation, secret in zip([*operations()] * 2, cycle(walk.secrets.values()), strict=False):
        for call in misplaced(operation, secret):
            await call.send(client.http, None)
    assert (await client.profile(f"{newer.access_token}x")).status_code == 401
    reset = {"token": walk.secrets["reset token"], "new_password": NEW}
    assert (await client.http.post("/v1/password-resets/confirm", json=reset)).status_code == 204
    walk.secrets["new password"] = NEW


async def _mailed(walk: Walk, to: str, prefix: str) -> str:
    def look() -> str | None:
        found = [TOKEN.findall(_text(each)) for each in list(walk.inbox.messages) if each["to"] == to]
        return next((token for tokens in found for token in tokens if token.startswith(prefix)), None)

    return str(await asyncio.to_thread(until, look))


def _text(message: EmailMessage) -> str:
    return " ".join(str(part.get_content()) for part in message.walk() if not part.is_multipart())


async def _without_a_table(walk: Walk, client: ServiceClient) -> None:
    """Every operation once more as it is meant, and every one of them fails inside."""
    ada = await client.registered()
    session = await client.signed_in(ada)
    async with connected(walk.database) as connection:
        await connection.execute("ALTER TABLE users RENAME TO users_away")
        try:
            statuses = [
                (await walk.send(client, call, session.access_token if operation.is_protected else None)).status_code
                for operation in operations()
                for call in islice(walk.canaries.calls(operation, ada.password), len(operation.fields) + 1)
            ]
        finally:
            await connection.execute("ALTER TABLE users_away RENAME TO users")
    assert statuses.count(500) >= 20, "or nothing failed"


async def _without_a_mail_server(walk: Walk, client: ServiceClient) -> None:
    ada = await client.registered()
    await _mailed(walk, ada.email, "crm_ev_")
    walk.inbox.refuses = True
    await client.http.post("/v1/password-resets", json={"email": ada.email})

    async with asyncio.timeout(60), connected(walk.database) as connection:
        while not walk.refused:
            rows = await connection.fetch("SELECT last_error FROM deliveries WHERE last_error LIKE '554%'")
            walk.refused = [row["last_error"] for row in rows]


def secrets_in(walk: Walk, text: str) -> set[str]:
    return {name for name, secret in walk.secrets.items() if secret in text}


async def test_g02_r12_the_log_has_none_of_it(walk: Walk) -> None:
    assert "request_failed" in walk.log, "it is the right log, and it tells of failures"
    assert "UndefinedTableError" in walk.log
    assert "access token refused" in walk.log, "at the level that tells most"
    assert walk.canaries.found_in(walk.log) == set()
    assert secrets_in(walk, walk.log) == set()


async def test_g02_no_answer_repeats_what_was_sent(walk: Walk) -> None:
    assert len(walk.answers) > 50
    for call, answer in walk.answers:
        headers = [f"{name}: {value}" for name, value in answer.headers.items() if name not in ECHOED]
        text = "\n".join([*headers, answer.text]).lower()
        for shown in call.shown:
            text = text.replace(shown, "")
        if answer.is_success:
            assert walk.canaries.found_in(text, but_kept=True) == set(), call
        else:
            assert walk.canaries.found_in(text) == set(), call


async def test_g02_g05_r08_the_database_keeps_what_is_there_to_be_kept_and_no_more(walk: Walk) -> None:
    text = await dump(walk.database)
    assert walk.owner.email in text, "it is the right dump"
    assert walk.canaries.found_in(text, but_kept=True) == set()
    assert secrets_in(walk, text) == set()


async def test_g02_no_mail_has_more_than_its_own_link(walk: Walk) -> None:
    assert walk.inbox.messages
    for message in walk.inbox.messages:
        text = f"{message.as_string()}\n{_text(message)}"
        assert walk.canaries.found_in(text, but_kept=True) == set()
        assert {name for name in secrets_in(walk, text) if "access" in name or "refresh" in name} == set()
        assert {name for name in secrets_in(walk, text) if "password" in name} == set()
        assert len(set(TOKEN.findall(text))) <= 1


async def test_g02_what_a_mail_server_quotes_is_not_kept(walk: Walk) -> None:
    assert walk.refused
    for error in walk.refused:
        assert "Blocked for" in error
        assert "crm_" not in error


async def test_g02_neither_metrics_nor_command_lines_have_it(walk: Walk) -> None:
    async with client_of(walk.server.url) as client:
        metrics = (await client.http.get("/metrics")).text
    commands = "".join(_commands_of(walk.server.process.pid))
    assert "serve" in commands
    for text in (metrics, commands):
        assert walk.canaries.found_in(text) == set()
        assert secrets_in(walk, text) == set()
    assert walk.server.settings["CRM_AUTH_SECRET_KEY"] not in commands
    assert "postgresql://" not in commands


def _commands_of(process: int) -> list[str]:
    """Of it and of all that came of it, as `ps` shows them."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    own = Path(f"/proc/{process}/cmdline").read_text() + Path(f"/proc/{process}/comm").read_text()
    return [own, *(text for child in children for text in _commands_of(int(child)))]
