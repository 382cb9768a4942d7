"""The folder of the unix socket: private, and short enough for the kernel."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from infrastructure.postgres.embedded.account import Account
from infrastructure.postgres.embedded.errors import EmbeddedPostgresError
from infrastructure.postgres.embedded.placement import short_hash

PORT = 5432  # only a part of the socket's name
_LONGEST_PATH = 100  # bytes; the kernels take 104 (macOS) to 108 (Linux)


def socket_folder(cluster: Path, account: Account | None) -> Path:
    """Inside the cluster's folder, or a short one in the temporary folder when that path is too long."""
    usual = cluster / "socket"
    if _fits(usual):
        return usual
    uid = account.uid if account else os.geteuid()
    name = f"crm-auth-{uid}-{short_hash(cluster)}"
    short = Path(tempfile.gettempdir()) / name
    # Root's temporary folder may be closed to the account; this one is open to all and sticky.
    return short if account is None and _fits(short) else Path("/tmp") / name  # noqa: S108


def prepare_socket_folder(folder: Path) -> None:
    """Create the folder 0700, or make sure that the one in place is.

    In a shared temporary folder another user may have put a folder or link there first, to take over the connections
    and the passwords that come with them: such a one is refused with EmbeddedPostgresError.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found, above = folder.lstat(), folder.parent.stat()
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    replaceable = above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX
    if not private or replaceable or above.st_uid not in {0, os.geteuid()}:
        raise EmbeddedPostgresError(
            f"The folder {folder} for PostgreSQL's socket is not safe, as someone else owns it or could replace it: "
            "remove it, or set a CRM_AUTH_DATA_DIR with a shorter path."
        )


def remove_socket_folder(folder: Path, cluster: Path) -> None:
    """Leave nothing in the temporary folder; the folder inside the cluster's stays."""
    if folder.parent != cluster:
        with suppress(OSError):
            folder.rmdir()


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= _LONGEST_PATH
