"""What the image promises to be, and what must not be in it (catalogue line C03)."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

USER_ID = 10001
TOOLS = re.compile(r"(gcc|g\+\+|cc|c\+\+|cpp|clang|make|ld|as|cargo|rustc|git|pip|uv|curl|wget)[0-9.-]*")
FOLDERS = re.compile(r"(\.git|pip|python-wheels|ensurepip|hatchling|setuptools)")
SECRETS = re.compile(r"(pip\.conf|pip_conf|ca_bundle|\.netrc|\.env|id_rsa)")


def configuration_faults(configuration: dict[str, Any]) -> list[str]:
    """Differences between the image's configuration and what operators rely on."""
    wanted = {
        "User": f"{USER_ID}:{USER_ID}",
        "Entrypoint": ["crm-auth"],
        "Cmd": ["serve", "--host", "0.0.0.0"],  # noqa: S104 -- compared, never bound
        "ExposedPorts": {"8000/tcp": {}},
        "StopSignal": "SIGTERM",
        "Volumes": {"/data": {}},
    }
    faults = [
        f"configuration: {name} is {configuration.get(name)!r}, not {value!r}"
        for name, value in wanted.items()
        if configuration.get(name) != value
    ]
    names = {entry.partition("=")[0] for entry in configuration.get("Env", [])}
    stored = sorted(name for name in names if re.search(r"^PIP_|PROXY|SECRET|PASSWORD|TOKEN", name, re.IGNORECASE))
    faults += [f"configuration: the image stores {name}" for name in stored]
    if "/health/live" not in " ".join(configuration.get("Healthcheck", {}).get("Test", [])):
        faults.append("configuration: no health check of /health/live")
    if not configuration.get("Labels", {}).get("org.opencontainers.image.title"):
        faults.append("configuration: no OCI labels")
    return faults


def content_faults(root: Path) -> list[str]:
    """Tools, leftovers and loose permissions among the image's files; `root` is its mounted root folder."""
    faults = [] if f":{USER_ID}:" in (root / "etc/passwd").read_text() else ["no passwd entry for the image's user"]
    for path in _files(root):
        shown = f"/{path.relative_to(root)}"
        mode = path.lstat().st_mode
        if path.parent.name in {"bin", "sbin"} and TOOLS.fullmatch(path.name):
            faults.append(f"a tool is left: {shown}")
        if stat.S_ISDIR(mode) and FOLDERS.fullmatch(path.name):
            faults.append(f"a folder is left: {shown}")
        if SECRETS.fullmatch(path.name):
            faults.append(f"a secret is left: {shown}")
        if path.lstat().st_uid == USER_ID and shown != "/data":
            faults.append(f"the service could change {shown}")
        if mode & stat.S_IWOTH and not stat.S_ISLNK(mode) and not mode & stat.S_ISVTX:
            faults.append(f"anybody could change {shown}")
    return faults


def disk_bytes(folder: Path) -> int:
    """Bytes of the files below a folder, each counted once."""
    return sum({status.st_ino: status.st_size for status in (path.lstat() for path in _files(folder))}.values())


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        kept = [name for name in folders if Path(folder) != root or name not in {"proc", "sys", "dev"}]
        folders[:] = kept
        yield from (Path(folder, name) for name in [*kept, *files])
