"""The real ``crm-auth serve`` in processes of its own."""

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Self, TypeVar

import httpx

T = TypeVar("T")

SOURCES = Path(__file__).resolve().parents[2] / "src"
SECRET_KEY = "9sQm2Xv7Lr0TgWc5Yb8KzNf1HdJp4UeRa6oViSxE3Dt"
PUBLIC_URL = "http://127.0.0.1:8000"
"""Of every server that is not told another: those of one database are one issuer."""
START_LIMIT = 120.0
"""Seconds; importing alone takes many on a machine that has much else to do."""
STOP_LIMIT = 60.0
HASH_WAIT = timedelta(seconds=60)
"""For who does not test overload: hashing gives way to all else that a machine does, other tests included (D02)."""
PATIENT = {"CRM_AUTH_HASH_WAIT": f"{HASH_WAIT.total_seconds():.0f}"}


def until(look: Callable[[], T], *, within: float = STOP_LIMIT) -> T:
    """The first true answer; for what other processes do and tell nobody."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.02)
    return seen


def environment_of(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of ours: these settings and none that the tests themselves run with."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CRM_AUTH_")}
    return inherited | {"PYTHONPATH": str(SOURCES)} | dict(settings)


def crm_auth(*arguments: str) -> list[str]:
    """The command line that runs the console script of this checkout."""
    return [sys.executable, "-m", "bootstrap.command_line", *arguments]


def run_crm_auth(
    *arguments: str, settings: Mapping[str, str] | None = None, typed: str = "", within: float = START_LIMIT
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; what it printed and its exit code."""
    return subprocess.run(
        crm_auth(*arguments),
        env=environment_of(PATIENT | dict(settings or {})),
        input=typed,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


class Server:
    """One ``crm-auth serve``; it can be started again after it ended, on the same port."""

    def __init__(self, settings: Mapping[str, str], *, workers: int = 1, log: Path) -> None:
        self.settings = dict(settings)
        self.workers = workers
        self.log_file = log
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def launch(self) -> Self:
        """Start it and do not wait for anything."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                crm_auth("serve", "--port", str(self.port), "--workers", str(self.workers)),
                env=environment_of(
                    PATIENT | {"CRM_AUTH_LOG_FORMAT": "json", "CRM_AUTH_PUBLIC_URL": PUBLIC_URL} | self.settings
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def start(self) -> Self:
        """Start it and wait until it is ready."""
        self.launch()
        until(self._is_ready, within=START_LIMIT)
        return self

    def restart(self) -> Self:
        """Stop it as an operator does, and start it again."""
        assert self.stop() == 0
        return self.start()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_LIMIT)

    def kill(self) -> None:
        """SIGKILL to the process that was started, and to no other."""
        self.process.kill()
        self.process.wait(STOP_LIMIT)

    def close(self) -> None:
        """Whatever state it is in: gone when this returns, and its worker processes with it."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            if self._process.poll() is None:
                self.stop()
        # Only what should not have outlived it is still in its process group.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_LIMIT)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log[-4000:]}"
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=10, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running_server(settings: Mapping[str, str], *, workers: int = 1, log: Path) -> Iterator[Server]:
    """A server that is ready, for as long as the context lasts."""
    server = Server(settings, workers=workers, log=log)
    try:
        yield server.start()
    finally:
        server.close()


@cache
def scratch_folder() -> Path:
    """Where services on a database of an operator's keep the mail that no test reads: never in the checkout."""
    folder = Path(tempfile.mkdtemp(prefix="crm-auth-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def settings_on(database_url: str, **more: str) -> dict[str, str]:
    """The environment of a service on a database of its operator's; ``more`` by the names of the settings' fields."""
    given = {f"CRM_AUTH_{name.upper()}": value for name, value in more.items()}
    kept = {"CRM_AUTH_SECRET_KEY": SECRET_KEY, "CRM_AUTH_DATA_DIR": str(scratch_folder())}
    return PATIENT | {"CRM_AUTH_DATABASE_URL": database_url} | kept | given


def _free_port() -> int:
    """Below the ports that the system hands out for outgoing connections, which would race with us for it."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe:
            # As the server binds: a connection of the test before, in TIME_WAIT, is no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
