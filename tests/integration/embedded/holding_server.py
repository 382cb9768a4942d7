"""A server of its own process: starts the embedded PostgreSQL, leaves children behind, and waits to be killed.

Arguments: data folder, state root, and any of ``children`` (lingering ones of every kind), ``leak`` (one that holds the
pipe), ``fork`` (one that calls ``stop``), ``join`` (``connect_or_start`` in place of ``start``) and ``no-death-signal``
(as on a system where a parent's death sends none). Says one JSON line when ready; ends when its standard input does.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from infrastructure.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError, placement, supervisor


def say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def linger() -> None:
    time.sleep(60)


def leaked(embedded: EmbeddedPostgres) -> int:
    """A child that holds the pipe's write end, as code that forks without Python's knowledge would make it."""
    assert embedded._owner
    assert embedded._owner.stdin
    return subprocess.Popen(["sleep", "60"], pass_fds=[embedded._owner.stdin.fileno()]).pid


def status_of_fork(embedded: EmbeddedPostgres) -> int:
    """0 when a forked child has the pipe closed and may call ``stop`` without effect."""
    assert embedded._owner
    assert embedded._owner.stdin
    pipe = embedded._owner.stdin.fileno()
    child = os.fork()
    if child == 0:
        try:
            os.fstat(pipe)
        except OSError:
            embedded.stop()
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1]


def forked() -> int:
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    return child


def lingering_children() -> list[int]:
    spawned = multiprocessing.get_context("spawn").Process(target=linger)
    spawned.start()
    careless = subprocess.Popen(["sleep", "60"], close_fds=False)
    return [forked(), spawned.pid or 0, careless.pid]


def main() -> None:
    data_dir, state_root, *flags = sys.argv[1:]
    placement.STATE_ROOT = Path(state_root)
    if "no-death-signal" in flags:
        without = "from infrastructure.postgres.embedded import children; children._LIBC = None; "
        supervisor._OWNER = supervisor._OWNER.replace("from ", without + "from ", 1)
    embedded = EmbeddedPostgres(Path(data_dir))
    try:
        info = embedded.connect_or_start() if "join" in flags else embedded.start()
    except EmbeddedPostgresError as error:
        say({"error": type(error).__name__, "message": str(error)})
        return
    children = lingering_children() if "children" in flags else []
    children += [leaked(embedded)] if "leak" in flags else []
    said = {"owner": embedded._owner.pid if embedded._owner else None, "dsn": info.dsn, "children": children}
    said |= {"forked": status_of_fork(embedded)} if "fork" in flags else {}
    say(said)
    sys.stdin.read()
    embedded.stop()


if __name__ == "__main__":
    main()
