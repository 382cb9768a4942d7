"""One database cluster: its folders, how it is made, and the settings it always runs with."""

import os
import pwd
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from infrastructure.postgres.embedded.binaries import Binaries
from infrastructure.postgres.embedded.children import run
from infrastructure.postgres.embedded.connection import ConnectionInfo, sync_folder
from infrastructure.postgres.embedded.errors import EmbeddedPostgresError, NoSuitableAccount, StartFailed

_INITDB_LIMIT = 120.0  # seconds
_LARGEST_OLD_LOG = 8 << 20  # bytes

# Changed here, they weaken the cluster; so they are given on the command line, above every file.
_FIXED = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "full_page_writes": "on",
    # One file a weekday, overwritten a week later. Messages come without statements, parameters, and the DETAIL line
    # that quotes the row which broke a constraint; errors of statements are the application's to log.
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgres-%a.log",
    "log_file_mode": "0600",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}

# Sizes for a small server, written once into the cluster's own file, where an operator may change them.
_SIZES = """
# Set by crm-auth for a small server on one machine; yours to change.
max_connections = 60
shared_buffers = 128MB
max_wal_size = 512MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""

# A role that is no superuser: an injected statement reads no files and runs no programs.
_FIRST_STATEMENTS = """\
CREATE ROLE {user} LOGIN CREATEDB PASSWORD '{password}'
ALTER DATABASE postgres RENAME TO {database}
ALTER DATABASE {database} OWNER TO {user}
"""


class Cluster:
    """The folder of one cluster (0700): ``data``, ``log``, and usually ``socket``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._logs = folder / "log"

    @property
    def exists(self) -> bool:
        """Whether it was ever made; half of one is never under this name."""
        return self.data.is_dir()

    def major(self) -> int | None:
        """Major version that wrote the data, None before there is any. Raises EmbeddedPostgresError."""
        if not self.exists:
            return None
        try:
            return int((self.data / "PG_VERSION").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EmbeddedPostgresError(
                f"{self.data} holds no readable PG_VERSION: restore it from a backup, or move it away to begin afresh."
            ) from error

    def create(self, binaries: Binaries, info: ConnectionInfo, pause: Callable[[float], None]) -> None:
        """Make the cluster beside its place and move it there when it is whole. Raises StartFailed."""
        _require_entry_in_user_database()
        for abandoned in self.folder.glob("new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        workshop = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        try:
            data = _initdb(workshop, binaries, pause)
            statements = _FIRST_STATEMENTS.format(user=info.user, password=info.password, database=info.database)
            # Over standard input, as a process list shows arguments.
            options = ("--single", "-D", str(data), "-c", "exit_on_error=true", "template1")
            run((str(binaries.folder / "postgres"), *options), text=statements, limit=_INITDB_LIMIT, pause=pause)
            _append(data / "postgresql.conf", _SIZES)
            data.rename(self.data)
            sync_folder(self.folder)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def prepare(self, info: ConnectionInfo) -> None:
        """Before each start: the folder closed to others, the one access rule in place, logs within bounds."""
        self.folder.chmod(0o700)
        # Anything else, the superuser included, is turned away whatever it knows.
        (self.data / "pg_hba.conf").write_text(f"local all {info.user} scram-sha-256\n", encoding="utf-8")
        self._logs.mkdir(exist_ok=True)
        for log in self._logs.glob("*.log"):
            if log.stat().st_size > _LARGEST_OLD_LOG:
                log.unlink()

    def command(self, binaries: Binaries, info: ConnectionInfo) -> list[str]:
        """The command that runs the server."""
        quoted = '"' + info.host.replace('"', '""') + '"'  # the setting is a list, separated by commas
        settings = _FIXED | {"unix_socket_directories": quoted, "port": str(info.port)}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return [str(binaries.folder / "postgres"), "-D", str(self.data), *options]

    @property
    def startup_log(self) -> Path:
        """What the server says before its own log is open."""
        return self._logs / "startup.log"

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of what the server said in its latest start."""
        said = self.startup_log.read_text(encoding="utf-8", errors="replace")
        if "redirecting log output" in said:
            latest = max(
                self._logs.glob("postgres-*.log"), key=lambda log: log.stat().st_mtime, default=self.startup_log
            )
            said = latest.read_text(encoding="utf-8", errors="replace")
        return "\n".join(said.splitlines()[-lines:])


def _initdb(workshop: Path, binaries: Binaries, pause: Callable[[float], None]) -> Path:
    """Lay out an empty cluster; the superuser's password is kept nowhere, as nothing signs in with it."""
    password = workshop / "password"
    password.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    data = workshop / "data"
    options = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8"]
    command = [str(binaries.folder / "initdb"), "-D", str(data), *options, "--data-checksums"]
    try:
        run([*command, "--locale=C.UTF-8"], limit=_INITDB_LIMIT, pause=pause)
    except StartFailed as refusal:
        if "locale" not in str(refusal):
            raise
        run([*command, "--locale=C"], limit=_INITDB_LIMIT, pause=pause)
    return data


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _require_entry_in_user_database() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise NoSuitableAccount(
            f"The user id {os.geteuid()} has no entry in the user database, which PostgreSQL's initdb needs: add one "
            "(in a container image, a line in /etc/passwd), or set CRM_AUTH_DATABASE_URL."
        ) from error
