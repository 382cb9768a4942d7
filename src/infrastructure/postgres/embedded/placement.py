"""Where the cluster lives: beneath the data folder wherever possible.

Run as root, PostgreSQL runs as an account that usually cannot enter root's folders. Then a state folder named after the
data folder is used, so that the next start finds it again. No existing folder above the cluster's own is ever changed.
"""

import hashlib
import os
import stat
from pathlib import Path

from infrastructure.postgres.embedded.account import Account, acting_as, can_enter
from infrastructure.postgres.embedded.errors import EmbeddedPostgresError

STATE_ROOT = Path("/var/lib/crm-auth")


def local_folder(data_dir: Path) -> Path:
    """The cluster's folder beneath the data folder."""
    return data_dir / "postgres"


def state_folder(data_dir: Path, state_root: Path) -> Path:
    """The cluster's folder for a data folder that the account cannot enter."""
    return state_root / short_hash(data_dir)


def choose_cluster_folder(data_dir: Path, state_root: Path, account: Account | None) -> Path:
    """Where the cluster is, or belongs when it is new. Raises EmbeddedPostgresError when it is out of reach."""
    local, state = local_folder(data_dir), state_folder(data_dir, state_root)
    if account is None:
        return local
    if (state / "data").is_dir():
        return state
    if can_enter(data_dir, account) and data_dir.stat().st_uid in {0, account.uid}:
        return local
    if (local / "data").is_dir():
        raise EmbeddedPostgresError(
            f"The database in {local} is out of reach for the account {account.name}, which PostgreSQL runs as: "
            f"let it enter {data_dir}, or move {local} to {state}."
        )
    return state


def prepare_cluster_folder(folder: Path, account: Account | None, state_root: Path) -> None:
    """Create the folder 0700 and the account's, and the state root when it is there. The umask is 077."""
    if account is None:
        folder.mkdir(exist_ok=True)
        return
    if folder.parent == state_root:
        prepare_state_root(folder.parent, account)
    with acting_as(account):
        if _made(folder):
            return
    # Only root may write to the folder above, so nobody can put a link in place before it is handed over.
    folder.mkdir()
    os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def prepare_state_root(root: Path, account: Account) -> None:
    """Create root's 0711 folder for state of accounts; one that is there is taken as it is, or refused."""
    if not root.is_dir():
        root.mkdir(parents=True)
        root.chmod(0o711)
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022 or not can_enter(root, account):
        raise EmbeddedPostgresError(
            f"The folder {root} must belong to root, be writable by root alone, and let the account {account.name} "
            "through: PostgreSQL's files are kept there because that account cannot enter the data folder."
        )


def short_hash(path: Path) -> str:
    """Sixteen hexadecimal digits that stand for one path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _made(folder: Path) -> bool:
    """Whether the folder is there now."""
    try:
        folder.mkdir(exist_ok=True)
    except PermissionError:
        return False
    return True
