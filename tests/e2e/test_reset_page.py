"""The page behind a password reset link, in a real browser with the network closed and with no script."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from application.origin import Origin
from bootstrap.container import make_container
from bootstrap.lifespan import running
from tests.e2e.browser import Watch, chromium, watched_page
from tests.support.application import settings_for
from tests.support.client import Person, ServiceClient, SignedIn
from tests.support.server import Server

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytestmark = pytest.mark.browser

OPERATOR = Origin(operator="root")
NEW = "saffron ladder orbit velvet"


@dataclass
class Reset:
    """Somebody with a link."""

    person: Person
    session: SignedIn
    url: str


@pytest.fixture
async def reset(server: Server, client: ServiceClient, database_url: str) -> Reset:
    person = await client.registered()
    session = await client.signed_in(person)
    async with running(make_container(settings_for(database_url))) as container:
        link = await container.use_cases.start_password_reset()(session.user_id, OPERATOR)
    parts = urlsplit(link.url)
    return Reset(person, session, f"{server.url}{parts.path}?{parts.query}")


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator["Browser"]:
    async with chromium() as running_browser:
        yield running_browser


@pytest.fixture(params=["without script", "with script"])
async def watch(request: pytest.FixtureRequest, browser: "Browser") -> AsyncIterator[Watch]:
    script = request.param == "with script"
    async with watched_page(browser, java_script_enabled=script, viewport={"width": 390, "height": 844}) as watched:
        yield watched


async def fill(watch: Watch, password: str, repeated: str | None = None) -> None:
    await watch.page.get_by_label("New password").fill(password)
    await watch.page.get_by_label("The same once more").fill(password if repeated is None else repeated)
    async with watch.page.expect_navigation(wait_until="networkidle"):
        await watch.page.get_by_role("button", name="Set password").click()


def complaints(watch: Watch) -> list[str]:
    """What the page did wrong; a refusal of ours that it shows is none."""
    wrong = [*watch.left_loopback, *watch.failed_requests, *watch.script_errors]
    told = [*watch.bad_answers, *watch.console_errors]
    return [*wrong, *(each for each in told if "422" not in each)]


async def test_a_new_password_by_the_link(watch: Watch, client: ServiceClient, reset: Reset) -> None:
    page = watch.page
    await page.goto(reset.url)
    assert await page.get_by_role("heading").inner_text() == "Set a new password"
    assert await page.evaluate("document.activeElement.id") == "new_password"

    await fill(watch, NEW, "another")
    assert "not the same" in await page.get_by_role("alert").inner_text()
    await fill(watch, "password password password")
    assert "password" in await page.get_by_role("alert").inner_text()
    assert (await client.profile(reset.session.access_token)).status_code == 200, "nothing was spent or ended"

    await fill(watch, NEW)
    assert await page.get_by_role("heading").inner_text() == "Your new password is set"
    assert "token" not in page.url
    assert (await client.profile(reset.session.access_token)).status_code == 401
    assert (await client.log_in(reset.person.username, reset.person.password)).status_code == 401
    assert (await client.log_in(reset.person.username, NEW)).status_code == 201

    await page.goto(reset.url)
    await fill(watch, NEW + " again")
    assert await page.get_by_role("heading").inner_text() == "This link does not work"
    assert complaints(watch) == []


async def test_g02_r12_the_token_and_the_password_are_in_no_log(
    watch: Watch, server: Server, client: ServiceClient, reset: Reset
) -> None:
    await watch.page.goto(reset.url)
    await fill(watch, NEW)
    await asyncio.sleep(0)
    log = server.log
    assert "/password-reset" in log
    assert urlsplit(reset.url).query.partition("=")[2] not in log
    assert NEW not in log


async def test_another_site_cannot_post(browser: "Browser", client: ServiceClient, reset: Reset) -> None:
    """A browser tells where a form was, and for that no cookie is needed."""
    token = urlsplit(reset.url).query.partition("=")[2]
    foreign = f"""<form method="post" action="{reset.url.partition("?")[0]}">
        <input name="token" value="{token}"><input name="new_password" value="{NEW}">
        <input name="repeated" value="{NEW}"><button>Win</button></form>"""
    async with watched_page(browser) as watch:
        await watch.page.set_content(foreign)
        async with watch.page.expect_navigation(wait_until="networkidle"):
            await watch.page.get_by_role("button").click()
        assert await watch.page.get_by_role("heading").inner_text() == "This form came from another site"
    assert (await client.profile(reset.session.access_token)).status_code == 200
