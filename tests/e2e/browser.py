"""A real browser with the network closed, for tests of what the service shows to people.

Debian's Chromium driven by Playwright. Every request that leaves loopback is refused twice, by a route handler that
counts it and by a resolver rule in the browser, and everything a reader of the developer console would see as wrong
is kept: failed requests, errors, violations of the content security policy.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser, ConsoleMessage, Page, Request, Response, Route

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
# A violation is an event on the document; the console shows it too, but not for every directive.
WATCH_POLICY = """
window.policyViolations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.policyViolations.push([event.effectiveDirective, event.blockedURI, event.sourceFile].join(' ')));
"""


@dataclass
class Watch:
    """What went wrong on a page so far."""

    page: "Page"
    left_loopback: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)
    bad_answers: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    script_errors: list[str] = field(default_factory=list)
    fetched_bytes: dict[str, int] = field(default_factory=dict)

    async def complaints(self) -> list[str]:
        """Every complaint, in words; empty for a page that works."""
        violations = await self.page.evaluate("window.policyViolations")
        lists = {
            "left loopback": self.left_loopback,
            "failed": self.failed_requests,
            "answered": self.bad_answers,
            "console": self.console_errors,
            "script": self.script_errors,
            "policy": violations,
        }
        return [f"{kind}: {entry}" for kind, entries in lists.items() for entry in entries]

    def on_console(self, message: "ConsoleMessage") -> None:
        if message.type in {"error", "warning"}:
            self.console_errors.append(message.text)

    def on_failed(self, request: "Request") -> None:
        self.failed_requests.append(f"{request.method} {request.url} {request.failure}")

    def on_response(self, response: "Response") -> None:
        if response.status >= 400:
            self.bad_answers.append(f"{response.status} {response.request.method} {response.url}")

    async def on_finished(self, request: "Request") -> None:
        sizes = await request.sizes()
        self.fetched_bytes[request.url] = sizes["responseBodySize"] + sizes["responseHeadersSize"]

    async def on_route(self, route: "Route") -> None:
        if urlsplit(route.request.url).hostname in LOOPBACK:
            await route.continue_()
        else:
            self.left_loopback.append(route.request.url)
            await route.abort()


@asynccontextmanager
async def chromium() -> "AsyncIterator[Browser]":
    """Debian's Chromium, closed at the end. Skips the test, with the reason, where it or Playwright is missing."""
    playwright_api = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("chromium is not installed")
    async with playwright_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def watched_page(browser: "Browser", **options: Any) -> AsyncIterator[Watch]:
    """A fresh page in a context of its own (`options`: those of `Browser.new_context`), watched from the start."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    watch = Watch(page)
    await context.add_init_script(WATCH_POLICY)
    await context.route("**/*", watch.on_route)
    page.on("console", watch.on_console)
    page.on("requestfailed", watch.on_failed)
    page.on("response", watch.on_response)
    page.on("requestfinished", watch.on_finished)
    page.on("pageerror", lambda error: watch.script_errors.append(str(error)))
    try:
        yield watch
    finally:
        await context.close()
