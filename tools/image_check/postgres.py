"""A PostgreSQL of this machine's own packages on loopback, for one run of the check."""

import os
import pwd
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_check.processes import CheckFailed, run, user_group


def server_programs() -> Path | None:
    """Folder of the newest installed server, by Debian's layout."""
    found = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def database_url() -> Iterator[str]:
    """URL of an empty database owned by a role without further rights; the server ends with the block.

    The server runs as an unprivileged user in a folder of its own, with passwords by SCRAM and no trust.
    """
    programs = server_programs()
    if programs is None:
        raise CheckFailed("no PostgreSQL server under /usr/lib/postgresql")
    with tempfile.TemporaryDirectory(prefix="crm-auth-postgres-") as home:
        yield from _served(programs, Path(home), unprivileged_user())


def _served(programs: Path, home: Path, user: str) -> Iterator[str]:
    password = secrets.token_hex(16)
    (home / "password").write_text(password)
    for path in (home, home / "password"):
        os.chown(path, pwd.getpwnam(user).pw_uid, user_group(user))
    control = [str(programs / "pg_ctl"), f"--pgdata={home}/data", f"--log={home}/log", "--wait"]
    port = free_port()
    initialise = [f"--pgdata={home}/data", f"--pwfile={home}/password", "--auth=scram-sha-256", "--username=owner"]
    run(str(programs / "initdb"), *initialise, "--encoding=UTF8", "--locale=C", user=user)
    run(*control, f"--options=-p {port} -k {home} -h 127.0.0.1", "start", user=user)
    try:
        statements = (f"CREATE ROLE crm_auth LOGIN PASSWORD '{password}'", "CREATE DATABASE crm_auth OWNER crm_auth")
        for statement in statements:
            ask = ["--host=127.0.0.1", f"--port={port}", "--username=owner", "--dbname=postgres", "--no-psqlrc"]
            run(str(programs / "psql"), *ask, f"--command={statement}", env={"PGPASSWORD": password}, quiet=True)
        yield f"postgresql://crm_auth:{password}@127.0.0.1:{port}/crm_auth"
    finally:
        run(*control, "--mode=fast", "stop", user=user)


def unprivileged_user() -> str:
    """The user the server package made, or nobody: initdb refuses root."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
