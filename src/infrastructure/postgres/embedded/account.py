"""The unprivileged account that PostgreSQL runs as when the server runs as root.

PostgreSQL refuses to run as root. Accounts are looked up, never created, and nobody's folders are opened up for them.
"""

import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infrastructure.postgres.embedded.errors import NoSuitableAccount

_FALLBACKS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An entry of the user database, other than root."""

    name: str
    uid: int
    gid: int


def account_to_run_as(folders: Iterable[Path]) -> Account | None:
    """None unless run as root; else the owner of the first existing folder that is not root's, or a system account.

    The owner of an existing cluster comes first: the same cluster must be reached by the same account every time,
    also after a package added the ``postgres`` account. Raises NoSuitableAccount.
    """
    if os.geteuid() != 0:
        return None
    owners = [folder.stat().st_uid for folder in folders if folder.is_dir()]
    for entry in (*map(_by_uid, owners), *map(_by_name, _FALLBACKS)):
        if entry is not None and entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise NoSuitableAccount(
        "PostgreSQL does not run as root, and neither the account postgres nor nobody exists: "
        "run the server as an ordinary user, or set CRM_AUTH_DATABASE_URL."
    )


@contextmanager
def acting_as(account: Account | None) -> Iterator[None]:
    """Ask the file system with the account's rights for a moment; only the owner process, which has one thread."""
    if account is None:
        yield
        return
    groups, gid, uid = os.getgroups(), os.getegid(), os.geteuid()
    try:
        os.setgroups([account.gid])
        os.setegid(account.gid)
        os.seteuid(account.uid)
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)


def become(account: Account | None) -> None:
    """Give root up for good: whatever touches the cluster's folders afterwards cannot be tricked into root's files."""
    if account is None:
        return
    try:
        os.setgroups([account.gid])
        os.setgid(account.gid)
        os.setuid(account.uid)
    except OSError as error:
        raise NoSuitableAccount(
            f"PostgreSQL does not run as root, and root may not become the account {account.name} here: "
            "run the server as an ordinary user, or set CRM_AUTH_DATABASE_URL."
        ) from error


def can_enter(folder: Path, account: Account | None) -> bool:
    """Tell whether the account passes every folder down to this one, access lists included."""
    with acting_as(account):
        try:
            (folder / "..").stat()  # resolving ".." needs the right to enter the folder itself
        except PermissionError:
            return False
        return True


def _by_uid(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def _by_name(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
