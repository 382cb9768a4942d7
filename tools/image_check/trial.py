"""Commands of the image run in one container of it, with a database and secrets that live as long as the check."""

import subprocess
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image_check.buildah import Buildah
from image_check.journey import Service
from image_check.postgres import free_port
from image_check.processes import CheckFailed, end
from image_check.read_only import start_read_only
from image_check.server import RunningServer, running

COMMAND_SECONDS = 60.0
REFUSAL_SECONDS = 20.0
BAD_SECRETS = ("", "Tr0ub4dor", "changeme-changeme-changeme-changeme")


@dataclass(frozen=True, slots=True)
class Trial:
    """One container and what its commands are given; `folder` is scratch space."""

    buildah: Buildah
    container: str
    configuration: dict[str, Any]
    environment: Mapping[str, str]
    folder: Path

    def run(self, *command: str, environment: Mapping[str, str], seconds: float) -> tuple[int, str]:
        """Exit status and output of a command; CheckFailed when it does not end in time."""
        log = self.folder / "command.log"
        with log.open("wb") as output:
            process = self.buildah.start(self.container, *command, environment=environment, output=output)
            try:
                status = process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise CheckFailed(f"{command[0]}: not over in {seconds:g} s\n{log.read_text()[-4000:]}") from None
            finally:
                end(process)
        return status, log.read_text()

    def upgrade(self) -> float:
        """Brings the schema up, the way a deployment does before it starts servers; seconds taken."""
        began = time.monotonic()
        status, said = self.run("crm-auth", "db", "upgrade", environment=self.environment, seconds=COMMAND_SECONDS)
        if status:
            raise CheckFailed(f"crm-auth db upgrade: exit status {status}\n{said[-4000:]}")
        return time.monotonic() - began

    def refuses(self, setting: str, value: str) -> None:
        """A start with a missing or bad setting fails at once, naming the setting and not its value (C01)."""
        environment = {name: given for name, given in self.environment.items() if name != setting}
        if value:
            environment[setting] = value
        status, said = self.run(*self._serve(free_port()), environment=environment, seconds=REFUSAL_SECONDS)
        if status == 0 or setting not in said:
            raise CheckFailed(f"start with {setting}={value!r}: status {status}, or it is not named\n{said[-2000:]}")
        if value and value in said:
            raise CheckFailed(f"start with {setting}={value!r}: the refusal shows the value")

    def serve(self) -> AbstractContextManager[RunningServer]:
        """The server as the image starts it."""
        service, log = Service(free_port()), self.folder / "serve.log"

        def launch() -> subprocess.Popen[bytes]:
            with log.open("wb") as output:
                words = self._serve(service.port)
                return self.buildah.start(self.container, *words, environment=self.environment, output=output)

        return running(service, launch, log)

    def serve_read_only(self, root: Path) -> AbstractContextManager[RunningServer]:
        """The server on a root folder that cannot be written, with /data and /tmp as its only places."""
        service, log = Service(free_port()), self.folder / "read_only.log"
        stored = dict(entry.split("=", 1) for entry in self.configuration["Env"])
        environment = {**stored, **self.environment}

        def launch() -> subprocess.Popen[bytes]:
            with log.open("wb") as output:
                words = self._serve(service.port)
                return start_read_only(root, self.folder, *words, environment=environment, output=output)

        return running(service, launch, log)

    def health_check(self, service: Service) -> int:
        """Exit status of the image's own health check, asked at the port in use here."""
        test: list[str] = self.configuration["Healthcheck"]["Test"]
        words = [word.replace("8000", str(service.port)) for word in test[1:]]
        status, _ = self.run(*words, environment={}, seconds=REFUSAL_SECONDS)
        return status

    def _serve(self, port: int) -> list[str]:
        entrypoint: list[str] = self.configuration["Entrypoint"]
        command: list[str] = self.configuration["Cmd"]
        return [*entrypoint, *command, "--port", str(port)]
