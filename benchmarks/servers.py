"""The measured processes."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

SECRET_KEY = secrets.token_urlsafe(48)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    port: int
    started_in: float
    """Seconds from its start to its first healthy answer."""

    @property
    def cpu_seconds(self) -> float:
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / TICKS

    @property
    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


@contextmanager
def crm_auth(environment: Mapping[str, str]) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "bootstrap.command_line", "serve", "--port", str(port)]
    settings = {"CRM_AUTH_PUBLIC_URL": f"http://127.0.0.1:{port}", "CRM_AUTH_SECRET_KEY": SECRET_KEY}
    with _running(command, settings | dict(environment), port, "/health/ready") as server:
        yield server


@contextmanager
def floor(database_url: str) -> Iterator[Server]:
    port = free_port()
    environment = {"FLOOR_DATABASE_URL": database_url, "FLOOR_PORT": str(port)}
    with _running([sys.executable, "-m", "benchmarks.floor"], environment, port, "/ready") as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], port: int, path: str) -> Iterator[Server]:
    started = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        while not _answers(f"http://127.0.0.1:{port}{path}"):
            if process.poll() is not None or time.monotonic() - started > 120:
                raise RuntimeError(f"{command} did not start")
            time.sleep(0.01)
        yield Server(process.pid, port, time.monotonic() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 - a server of our own
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
