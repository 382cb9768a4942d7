"""The few buildah commands the check needs, on a storage folder of its own."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from image_check.processes import run


@dataclass(frozen=True, slots=True)
class Buildah:
    """Storage in plain folders and isolation by chroot: both work where no namespace or overlay may be had."""

    storage: Path

    def __call__(self, command: str, *arguments: str) -> str:
        """Standard output; raises CheckFailed with what buildah said."""
        return run(*self._command(command), *arguments).strip()

    def build(self, context: Path, tag: str, *, arguments: Mapping[str, str], options: list[str]) -> None:
        """Builds `context`/Dockerfile; the docker format is the one that can carry a health check."""
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        fixed = ["--isolation=chroot", "--format=docker", "--pull=false", f"--tag={tag}"]
        self("bud", *fixed, *given, *options, str(context))

    def inspect(self, image: str) -> dict[str, Any]:
        """The image's configuration, `User`, `Env`, `Cmd` and the like."""
        described: dict[str, Any] = json.loads(self("inspect", "--type=image", image))
        configuration: dict[str, Any] = described["Docker"]["config"]
        return configuration

    def size(self, image: str) -> int:
        """Bytes of all layers, as the storage counts them."""
        described = json.loads(self("images", "--json", "--filter", f"reference={image}"))
        return parse_size(described[0]["size"])

    @contextmanager
    def container(self, image: str) -> Iterator[str]:
        """A container made from an image, removed at the end."""
        name = self("from", "--pull-never", image)
        try:
            yield name
        finally:
            self("rm", name)

    @contextmanager
    def root_of(self, container: str) -> Iterator[Path]:
        """The container's root folder as this machine sees it."""
        try:
            yield Path(self("mount", container))
        finally:
            self("umount", container)

    def start(
        self, container: str, *command: str, environment: Mapping[str, str], output: BinaryIO
    ) -> subprocess.Popen[bytes]:
        """Starts a command as the image's own user, on this machine's network."""
        given = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        words = [*self._command("run"), "--isolation=chroot", *given, container, "--", *command]
        return subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def _command(self, command: str) -> list[str]:
        root, state = self.storage / "images", self.storage / "state"
        return ["buildah", f"--root={root}", f"--runroot={state}", "--storage-driver=vfs", command]


def parse_size(shown: str) -> int:
    """Bytes of a size such as `295 MB` (decimal units)."""
    number, unit = shown.split()
    return int(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()])
