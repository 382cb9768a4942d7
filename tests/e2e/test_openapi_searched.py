"""schemathesis walks the whole OpenAPI document against a server with two workers, along its links too.

``TEST_SCHEMATHESIS_EXAMPLES`` is how many requests it tries for each operation in each phase, by chance; without it
they are few and the same each time. What it may not find fault with, and why: ``tests/machines/openapi_hooks.py``.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.figures import figure
from tests.support.server import Server

ASKED = os.environ.get("TEST_SCHEMATHESIS_EXAMPLES")
REPOSITORY = Path(__file__).resolve().parents[2]
MACHINES = REPOSITORY / "tests" / "machines"
HOW_MANY = ["--max-examples", ASKED] if ASKED else ["--max-examples", "2", "--generation-deterministic"]


def test_every_answer_is_as_the_document_says(server: Server, tmp_path: Path) -> None:
    logged = len(server.log)

    found = searched(server, tmp_path)

    tried = re.search(r"(\d+) generated", found.stdout)
    assert tried, found.stdout + found.stderr
    assert found.returncode == 0, found.stdout
    figure(f"schemathesis: {tried[1]} test cases")
    assert int(tried[1]) > 500
    assert re.search(r"Tested: (\d+)", found.stdout)[1] == re.search(r"Selected: (\d+)", found.stdout)[1]
    assert "Traceback" not in server.log[logged:]


def searched(server: Server, folder: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as it is used by hand; it writes into the folder that it runs in."""
    return subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(MACHINES / "schemathesis.toml"),
            "run", str(REPOSITORY / "docs" / "openapi.json"), "--url", server.url, "--continue-on-failure", *HOW_MANY,
        ],
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY)]),
            "SCHEMATHESIS_HOOKS": "tests.machines.openapi_hooks",
            "MACHINES_SERVICE_URL": server.url,
            "NO_COLOR": "1",
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
