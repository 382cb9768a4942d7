"""Who it is that runs a command."""

import os
import pwd

from application.origin import Origin

_LONGEST = 64


def operator_origin() -> Origin:
    """Where what is done by a command comes from."""
    return Origin(operator=operator_name())


def operator_name() -> str:
    """The name of the user of the operating system; behind sudo or doas that of whoever called it.

    By the kernel's word: the environment is believed only if it is root's, for anybody else may write what they like
    into theirs. Whoever has the database may write into the record of events as well; it is kept to be read by
    colleagues, and holds nobody up.
    """
    uid = os.getuid()
    caller = (os.environ.get("SUDO_USER") or os.environ.get("DOAS_USER")) if uid == 0 else None
    return (caller or _name_of(uid)).encode("ascii", "backslashreplace").decode()[:_LONGEST]


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        # In containers, mostly.
        return f"uid {uid}"
