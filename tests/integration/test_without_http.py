"""Every use case from a plain script, in a process that never hears of HTTP."""

import subprocess
import sys
from pathlib import Path

from tests.support.rows import event_types
from tests.support.server import START_LIMIT, environment_of, settings_on

SCRIPT = Path(__file__).with_name("main_job_script.py")


def _run(*arguments: str, database_url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment_of(settings_on(database_url)),
        capture_output=True,
        text=True,
        timeout=START_LIMIT,
        check=False,
    )


async def test_the_main_job_by_a_script(database_url: str) -> None:
    ran = _run(str(SCRIPT), database_url=database_url)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "Ada@Example.test True True [True, True, True]\n"
    of_users = [each for each in await event_types(database_url) if not each.startswith("signing_key.")]
    assert of_users == ["user.registered", "session.started", "session.ended", "log_in.failed"]


def test_no_web_framework_is_loaded(database_url: str) -> None:
    look = (
        "import runpy, sys; runpy.run_path(sys.argv[1]);"
        " print(sorted({'litestar', 'uvicorn', 'click'} & set(sys.modules)))"
    )
    ran = _run("-c", look, str(SCRIPT), database_url=database_url)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "[]"
