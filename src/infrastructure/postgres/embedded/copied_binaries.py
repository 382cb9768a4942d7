"""A copy of self-contained binaries for an account that cannot reach them, as in a virtualenv beneath root's home."""

import secrets
import shutil
from pathlib import Path

from infrastructure.postgres.embedded.account import Account
from infrastructure.postgres.embedded.binaries import version_of
from infrastructure.postgres.embedded.placement import prepare_state_root, short_hash

_PARTS = ("bin", "lib", "share")


def copy_for(account: Account, state_root: Path, folder: Path, version: str) -> Path | None:
    """Copy the install tree around a ``bin`` folder once into root's state folder, and return the copy's ``bin``.

    None when the tree is not self-contained (a distribution spreads its files) or its copy does not run either.
    """
    install = folder.parent
    if not any(install.glob("share/**/postgres.bki")):
        return None
    prepare_state_root(state_root, account)
    stamp = (folder / "postgres").stat().st_mtime_ns
    home = state_root / f"postgresql-{version}-{short_hash(folder / str(stamp))}"
    if not home.is_dir():
        _copy(install, home)
    copied = home / install.parent.name / install.name / folder.name
    return copied if version_of(copied, account) == version else None


def _copy(install: Path, home: Path) -> None:
    """Copy under a passing name, then rename: a copy that is there is whole."""
    package = install.parent
    unfinished = home.with_name(f".{home.name}.{secrets.token_hex(8)}")
    try:
        for part in _PARTS:
            if (install / part).is_dir():
                shutil.copytree(install / part, unfinished / package.name / install.name / part, symlinks=True)
        # Wheels keep the shared libraries they brought along in a folder beside the package, found relative to `bin`.
        brought = package.with_name(f"{package.name}.libs")
        if brought.is_dir():
            shutil.copytree(brought, unfinished / brought.name, symlinks=True)
        _open_for_all(unfinished)
        unfinished.rename(home)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _open_for_all(tree: Path) -> None:
    """Readable and runnable by everyone, writable by root alone: programs and catalogues hold nothing secret."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
