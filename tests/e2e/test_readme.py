"""The README's first session, typed into a shell as it stands there."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.database import DatabaseServer
from tests.support.documents import BASE_URL, README
from tests.support.server import running_server, settings_on

SESSION = "First session"
STATUSES = [201, 201, 200, 200, 204, 401]
"""Sign-up, sign-in, own account, refresh, sign-out, and the token that is refused from then on."""
# Every curl of the session tells its status on standard error, and stays what the reader types.
TELLING = """
set -eu
curl() { command curl --noproxy '*' --write-out '%{stderr}status=%{http_code}\\n' "$@"; }
"""


@pytest.fixture
async def own_database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_first_session_does_what_it_says(own_database_url: str, tmp_path: Path) -> None:
    with running_server(settings_on(own_database_url), log=tmp_path / "log") as server:
        script = README.code("sh", section=SESSION).replace(BASE_URL, server.url)
        ran = subprocess.run(["bash", "-c", TELLING + script], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert [int(status) for status in re.findall(r"^status=(\d+)$", ran.stderr, re.MULTILINE)] == STATUSES
    assert '"username":"ada"' in ran.stdout
    assert "invalid_token" in ran.stdout


def test_text_says_the_statuses_that_are_asserted() -> None:
    said = [int(status) for status in re.findall(r"\((\d{3})\)", README.section(SESSION))]
    assert said == STATUSES


def test_base_url_is_the_one_that_make_run_serves() -> None:
    assert BASE_URL in README.section("Two commands")
    assert f"API={BASE_URL}\n" in README.code("sh", section=SESSION)
