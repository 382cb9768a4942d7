import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infrastructure.postgres.embedded import EmbeddedPostgres, placement
from tests.integration.embedded.processes import HoldingServer, eventually, postgres_processes

Serve = Callable[..., HoldingServer]


@pytest.fixture(scope="package", autouse=True)
def state_root() -> Iterator[Path]:
    """Root's folder for clusters of data folders that the unprivileged account cannot enter: not the machine's own."""
    root = Path(tempfile.mkdtemp(prefix="state-"))
    root.chmod(0o711)
    kept, placement.STATE_ROOT = placement.STATE_ROOT, root
    yield root
    placement.STATE_ROOT = kept
    shutil.rmtree(root)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter, unlike ``tmp_path``."""
    folder = Path(tempfile.mkdtemp(prefix="open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a cluster in it, shared by tests that leave it as it was."""
    data_dir = tmp_path_factory.mktemp("made") / "data"
    with EmbeddedPostgres(data_dir):
        pass
    return data_dir


@pytest.fixture
def serve(state_root: Path) -> Iterator[Serve]:
    """Start servers in processes of their own; they are gone when the test ends."""
    started: list[HoldingServer] = []

    def start(data_dir: Path, *flags: str, **options: str) -> HoldingServer:
        started.append(HoldingServer(data_dir, state_root, *flags, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def same_umask() -> Iterator[None]:
    """A server tightens that of its process, which is the tests' here."""
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)


@pytest.fixture(autouse=True)
def nothing_left_running(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "made" in request.fixturenames:
        data_dir: Path = request.getfixturevalue("made")
        eventually(lambda: not postgres_processes(data_dir))


needs_root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs root")
