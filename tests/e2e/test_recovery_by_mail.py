"""From a mail to a page to a new password or a proven address: a real server, real mail in files, a real browser."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.e2e.browser import Watch, chromium, watched_page
from tests.support.client import Person, ServiceClient, bearer, client_of
from tests.support.database import DatabaseServer
from tests.support.server import Server, running_server, settings_on

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = pytest.mark.browser

NEW = "saffron ladder orbit velvet"


@dataclass(frozen=True)
class MailFolder:
    """Where the server puts its mail; ``public_url`` is what its links begin with."""

    path: Path
    public_url: str
    server_url: str

    async def link(self, to: str, page: str) -> str:
        """Of the newest mail with a link to that page, on the server as the test reaches it."""
        async with asyncio.timeout(30):
            while True:
                for message in reversed(self.messages(to)):
                    body = message.get_body(("plain",))
                    lines = body.get_content().splitlines() if body else []
                    for line in lines:
                        if line.startswith(f"{self.public_url}/{page}?token="):
                            parts = urlsplit(line)
                            return f"{self.server_url}{parts.path}?{parts.query}"
                await asyncio.sleep(0.05)

    def messages(self, to: str) -> list[EmailMessage]:
        read = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(self.path.glob("*.eml"))]
        return [each for each in read if isinstance(each, EmailMessage) and each["to"] == to]


@pytest.fixture(scope="module")
async def mailing(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    url = await database_server.create()
    folder = tmp_path_factory.mktemp("mailing")
    more = {"mail_url": (folder / "mail").as_uri(), "photo_url": (folder / "photos").as_uri(), "rate_limits": "off"}
    with running_server(settings_on(url, **more), log=folder / "log") as server:
        yield server
    await database_server.drop(url)


@pytest.fixture
def mail(mailing: Server) -> MailFolder:
    public_url = mailing.settings.get("CRM_AUTH_PUBLIC_URL", "http://127.0.0.1:8000")
    return MailFolder(Path(urlsplit(mailing.settings["CRM_AUTH_MAIL_URL"]).path), public_url, mailing.url)


@pytest.fixture
async def client(mailing: Server) -> AsyncIterator[ServiceClient]:
    async with client_of(mailing.url) as client:
        yield client


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator["Browser"]:
    async with chromium() as running_browser:
        yield running_browser


@pytest.fixture
async def watch(browser: "Browser") -> AsyncIterator[Watch]:
    """No script, on a phone."""
    options = {"java_script_enabled": False, "viewport": {"width": 390, "height": 844}, "locale": "de-DE"}
    async with watched_page(browser, **options) as watched:
        yield watched


async def press(watch: Watch, name: str) -> str:
    """The heading of the page that it leads to."""
    async with watch.page.expect_navigation(wait_until="networkidle"):
        await watch.page.get_by_role("button", name=name).click()
    heading: str = await watch.page.get_by_role("heading").inner_text()
    return heading


async def is_verified(client: ServiceClient, person: Person) -> bool:
    session = await client.signed_in(person)
    verified: bool = (await client.profile(session.access_token)).json()["email_verified"]
    return verified


async def test_an_address_is_confirmed_with_the_password(watch: Watch, client: ServiceClient, mail: MailFolder) -> None:
    person = await client.registered()
    await watch.page.goto(await mail.link(person.email, "email-verification"))
    await watch.page.get_by_label("Passwort").fill("not the password of anybody")
    assert await press(watch, "Adresse bestätigen") == "Bestätigen Sie Ihre E-Mail-Adresse"
    assert "nicht das Passwort" in await watch.page.get_by_role("alert").inner_text()
    assert not await is_verified(client, person)

    await watch.page.get_by_label("Passwort").fill(person.password)
    assert await press(watch, "Adresse bestätigen") == "Ihre Adresse ist bestätigt"

    assert await is_verified(client, person)
    assert "token" not in watch.page.url


async def test_an_account_is_disowned(watch: Watch, client: ServiceClient, mail: MailFolder) -> None:
    person = await client.registered()
    await watch.page.goto(await mail.link(person.email, "email-verification"))
    assert await press(watch, "Das war ich nicht") == "Sie waren das nicht?"
    assert (await client.log_in(person.username, person.password)).status_code == 201, "opening it did nothing"

    assert await press(watch, "Ich war es nicht") == "Danke: Ihre Adresse bleibt unberührt"

    assert (await client.log_in(person.username, person.password)).status_code == 401
    assert (await client.sign_up(Person(person.email, "another.name", person.password))).status_code == 201


async def test_a_forgotten_password(watch: Watch, client: ServiceClient, mail: MailFolder) -> None:
    person = await client.registered()
    answer = await client.http.post("/v1/password-resets", json={"email": person.email.upper()})
    assert (answer.status_code, answer.content) == (202, b"")
    await watch.page.goto(await mail.link(person.email, "password-reset"))
    await watch.page.get_by_label("Neues Passwort").fill(NEW)
    await watch.page.get_by_label("Noch einmal dasselbe").fill(NEW)

    assert await press(watch, "Passwort setzen") == "Ihr neues Passwort gilt"

    assert (await client.log_in(person.username, person.password)).status_code == 401
    assert await is_verified(client, Person(person.email, person.username, NEW))


async def test_p04_known_and_unknown_addresses_are_answered_alike(client: ServiceClient) -> None:
    """P04: status, body, and headers but for id and date."""
    person = await client.registered()
    answers = []
    for path in ("/v1/password-resets", "/v1/email-verifications"):
        for email in (person.email, "nobody-at-all@example.test"):
            answer = await client.http.post(path, json={"email": email})
            told = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
            answers.append((answer.status_code, answer.content, told))

    assert answers[0] == answers[1]
    assert answers[2] == answers[3]


async def test_g02_r12_no_token_is_in_the_log(
    watch: Watch, client: ServiceClient, mail: MailFolder, mailing: Server
) -> None:
    """G02, R12."""
    person = await client.registered()
    link = await mail.link(person.email, "email-verification")
    await watch.page.goto(link)
    token = link.partition("token=")[2]

    assert "/email-verification" in mailing.log
    assert token not in mailing.log


@pytest.fixture(autouse=True)
def _a_clean_page(watch: Watch) -> Iterator[None]:
    """No page asks anybody else for anything or complains."""
    yield
    assert [*watch.left_loopback, *watch.failed_requests, *watch.script_errors] == []


async def test_p03_p10_an_address_is_changed_and_the_change_undone(
    watch: Watch, client: ServiceClient, mail: MailFolder
) -> None:
    """Whoever took the account over moves it; whoever had the address takes it back by two pages."""
    person = await client.registered()
    await watch.page.goto(await mail.link(person.email, "email-verification"))
    await watch.page.get_by_label("Passwort").fill(person.password)
    await press(watch, "Adresse bestätigen")
    attacker = await client.signed_in(person)
    new_email = f"new.{person.email}"
    body = {"new_email": new_email, "password": person.password}
    asked = await client.http.post("/v1/users/me/email", json=body, headers=bearer(attacker.access_token))
    assert (asked.status_code, asked.content) == (202, b"")
    await watch.page.goto(await mail.link(new_email, "email-verification"))
    await watch.page.get_by_label("Passwort").fill(person.password)
    assert await press(watch, "Adresse bestätigen") == "Ihre Adresse ist bestätigt"
    assert (await client.profile(attacker.access_token)).json()["email"] == new_email

    await watch.page.goto(await mail.link(person.email, "account-freeze"))
    assert (await client.profile(attacker.access_token)).status_code == 200, "opening it did nothing"
    assert await press(watch, "Ich war es nicht: Konto sperren") == "Neues Passwort setzen"
    assert (await client.profile(attacker.access_token)).status_code == 401
    assert (await client.log_in(new_email, person.password)).status_code == 401
    await watch.page.get_by_label("Neues Passwort").fill(NEW)
    await watch.page.get_by_label("Noch einmal dasselbe").fill(NEW)
    assert await press(watch, "Passwort setzen") == "Ihr neues Passwort gilt"

    assert (await client.log_in(person.email, NEW)).status_code == 201
    assert watch.left_loopback == watch.failed_requests == watch.script_errors == watch.console_errors == []
