"""Starts the image's command on a root folder that cannot be written, as `read_only: true` does under an engine."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from image_check.contents import USER_ID

# A mount namespace of its own: the mounts end with the process, whatever happens to this one.
SCRIPT = """
mount --bind "$ROOT" "$VIEW" && mount -o remount,bind,ro "$VIEW"
mount -t tmpfs tmpfs "$VIEW/tmp" && mount --bind "$DATA" "$VIEW/data"
mount -t proc proc "$VIEW/proc" && mount --bind /dev "$VIEW/dev"
if touch "$VIEW/written" 2>/dev/null; then echo 'the root folder can be written' >&2; exit 99; fi
exec chroot --userspec={user}:{user} "$VIEW" /usr/bin/env -i {environment} {command}
"""


def start_read_only(
    root: Path, folder: Path, *command: str, environment: Mapping[str, str], output: BinaryIO
) -> subprocess.Popen[bytes]:
    """Starts a command on the mounted `root`; `folder` receives a mount point and the data folder."""
    for name in ("view", "data"):
        (folder / name).mkdir(mode=0o700)
    os.chown(folder / "data", USER_ID, USER_ID)
    script = SCRIPT.format(
        environment=" ".join(shlex.quote(f"{name}={value}") for name, value in environment.items()),
        user=USER_ID,
        command=shlex.join(command),
    )
    return subprocess.Popen(
        ["unshare", "--mount", "sh", "-euc", script],
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "ROOT": str(root),
            "VIEW": f"{folder}/view",
            "DATA": f"{folder}/data",
        },
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
