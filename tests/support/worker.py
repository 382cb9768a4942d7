"""The real ``crm-auth worker`` in a process of its own."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from tests.support.server import START_LIMIT, STOP_LIMIT, crm_auth, environment_of, until


class WorkerProcess:
    """One ``crm-auth worker``."""

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        self.log_file = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                crm_auth("worker"),
                env=environment_of({"CRM_AUTH_LOG_FORMAT": "json"} | dict(settings)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_until_started(self) -> None:
        until(self._has_started, within=START_LIMIT)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_LIMIT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_LIMIT)

    def _has_started(self) -> bool:
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log[-4000:]}"
        return "worker started" in self.log


@contextmanager
def running_worker(settings: Mapping[str, str], log: Path) -> Iterator[WorkerProcess]:
    """One that works, for as long as the context lasts."""
    worker = WorkerProcess(settings, log)
    try:
        worker.wait_until_started()
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.kill()


def mails_in(folder: Path) -> list[EmailMessage]:
    """Those that were written there, in the order in which they were."""
    mails = [message_from_bytes(file.read_bytes(), policy=default) for file in sorted(folder.glob("*.eml"))]
    assert all(isinstance(mail, EmailMessage) for mail in mails)
    return [mail for mail in mails if isinstance(mail, EmailMessage)]
