"""Fixtures that every kind of test may use."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from bootstrap.settings import Settings
from tests.support.database import DatabaseServer, running_server

NO_SKIPS = "TEST_NO_SKIPS"
DEFAULT_DATA = Settings().data_dir


@pytest.fixture(scope="session", autouse=True)
def clean_checkout() -> Iterator[None]:
    """No service of a test keeps its mail where somebody runs the tests from."""
    was_there = DEFAULT_DATA.exists()
    yield
    assert DEFAULT_DATA.exists() == was_there, f"{DEFAULT_DATA.resolve()} was made by a test that names no data folder"


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """A real PostgreSQL, started once."""
    with running_server() as server:
        yield server


@pytest.fixture
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    """A database of the test's own, with our schema."""
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.hookimpl(hookwrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield
    if _skips_fail() and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line(f"{NO_SKIPS} is set and tests were skipped: that is a failure here.", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything a test may need is installed, a skipped test is one that was lost."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if _skips_fail() and reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skips_fail() -> bool:
    return os.environ.get(NO_SKIPS) == "on"
