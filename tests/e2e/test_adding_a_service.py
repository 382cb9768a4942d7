"""The service of docs/adding-a-service.md, built from the page in a copy of the sources, and seen to deliver."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.client import Person, client_of
from tests.support.database import DatabaseServer
from tests.support.documents import ROOT, Document
from tests.support.server import environment_of, running_server, settings_on, until

PAGE = Document(ROOT / "docs" / "adding-a-service.md")
_FENCE = r"\n\n```\w+\n(?P<{}>.*?)```\n"
_NEW = re.compile(r"^New file \*\*(?P<path>\S+)\*\*" + _FENCE.format("text"), re.MULTILINE | re.DOTALL)
_EDIT = re.compile(
    r"^In \*\*(?P<path>\S+)\*\*" + _FENCE.format("before") + r"\nbecomes" + _FENCE.format("after"),
    re.MULTILINE | re.DOTALL,
)
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "crm-auth-data", "node_modules")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout with what the page says done to it."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("src", "tests", "docs", "pyproject.toml", "README.md", "CHANGELOG.md"):
        there = ROOT / name
        shutil.copytree(there, copy / name, ignore=_LEFT_OUT) if there.is_dir() else shutil.copy(there, copy / name)
    for new in _NEW.finditer(PAGE.text):
        path = copy / new["path"]
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(new["text"])
    for edit in _EDIT.finditer(PAGE.text):
        path = copy / edit["path"]
        text, before, after = path.read_text(encoding="utf-8"), edit["before"].rstrip("\n"), edit["after"].rstrip("\n")
        assert text.count(before) == 1, f"{edit['path']} has {before!r} {text.count(before)} times"
        path.write_text(text.replace(before, after), encoding="utf-8")
    return copy


class Chat(BaseHTTPRequestHandler):
    """Answers as it is told, and keeps what it took."""

    answers: list[int]
    posted: list[tuple[str, str]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.posted.append((body["text"], self.headers["Idempotency-Key"]))
        self.send_response(self.answers.pop(0) if self.answers else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at what was posted."""


@pytest.fixture
def chat() -> Iterator[tuple[type[Chat], str]]:
    handler = type("OwnChat", (Chat,), {"answers": [], "posted": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield handler, f"http://127.0.0.1:{server.server_port}/hooks/team"
        server.shutdown()


async def test_the_service_of_the_page_delivers(
    copy: Path, chat: tuple[type[Chat], str], database_server: DatabaseServer, tmp_path: Path
) -> None:
    """From the real server; after an absence of the chat once more, under the same id."""
    room, url = chat
    database_url = await database_server.create()
    settings = settings_on(database_url, chat_url=url, data_dir=str(tmp_path / "data"))
    own = {"PYTHONPATH": str(copy / "src"), "no_proxy": "*"}
    room.answers[:] = [503]
    ada, bob = Person.new(), Person.new("bob")
    with running_server(settings | own, log=tmp_path / "log") as server:
        async with client_of(server.url) as client:
            assert (await client.sign_up(ada)).status_code == 201
            until(lambda: len(room.posted) == 2)
            room.answers[:] = [410]
            assert (await client.sign_up(bob)).status_code == 201
            until(lambda: len(room.posted) == 3)
    await database_server.drop(database_url)

    first, again, other = room.posted
    assert first == again == (f"{ada.username} has signed up.", first[1])
    assert other[0] == f"{bob.username} has signed up."
    assert other[1] != first[1]


@pytest.mark.parametrize(
    "check",
    [
        ["-m", "mypy"],
        ["-c", "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"],
        ["-m", "ruff", "check", "src", "tests/unit/application/test_tell_team.py"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/application/test_tell_team.py",
         "tests/unit/bootstrap", "tests/unit/test_docs.py::test_operator_guide_has_every_setting_with_its_default"],
    ],
    ids=["types", "layers", "lint", "tests"],
)  # fmt: skip
def test_what_the_page_builds_passes_the_checks(copy: Path, check: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *check],
        cwd=copy,
        env=environment_of({"PYTHONPATH": f"{copy / 'src'}:{copy}"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
