"""One database cluster: its folders, how it is made, and the settings it always runs with."""

import hashlib
import os
import pwd
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from infrastructure.folders import sync_folder
from infrastructure.postgres.embedded.binaries import Binaries
from infrastructure.postgres.embedded.children import run
from infrastructure.postgres.embedded.connection import ConnectionInfo
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
max_connections = 100
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

# As which the service signs in (C05). Large objects belong to no table: any role could fill the disk with them.
_SERVICE_ROLE = """\
DO $$ BEGIN IF to_regrole('{user}') IS NULL THEN CREATE ROLE {user} LOGIN; END IF; END $$
ALTER ROLE {user} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '{password}'
ALTER ROLE {user} SET search_path = public, pg_temp
GRANT {user} TO {owner}
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC
REVOKE EXECUTE ON FUNCTION lo_put(oid, bigint, bytea), lowrite(integer, bytea) FROM PUBLIC
"""


class Cluster:
    """The folder of one cluster (0700): ``data``, ``log``, and usually ``socket``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._logs = folder / "log"
        self._admitted = folder / "service_role"

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
            _as_superuser(binaries, data, "template1", statements, pause)
            _append(data / "postgresql.conf", _SIZES)
            data.rename(self.data)
            sync_folder(self.folder)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def admit(
        self,
        binaries: Binaries,
        service: ConnectionInfo,
        pause: Callable[[float], None],
        *,
        environment: dict[str, str],
    ) -> None:
        """Before a start: the service's role with its password, in a cluster that does not have them yet.

        A cluster of a version with one role gets its second one here, and so does one whose file of the password was
        taken away to have another. Raises StartFailed.
        """
        known = hashlib.sha256(f"{service.user} {service.password}".encode()).hexdigest()
        if self._admitted.exists() and self._admitted.read_text(encoding="utf-8") == known:
            return
        # The owner, whose name the database has, may see what the service is at, and end it.
        statements = _SERVICE_ROLE.format(user=service.user, password=service.password, owner=service.database)
        _as_superuser(binaries, self.data, service.database, statements, pause, environment)
        # Written last, and after a crash done again: the statements may be repeated.
        self._admitted.write_text(known, encoding="utf-8")

    def prepare(self, *users: str) -> None:
        """Before each start: the folder closed to others, the one access rule in place, logs within bounds."""
        self.folder.chmod(0o700)
        # Anything else, the superuser included, is turned away whatever it knows.
        (self.data / "pg_hba.conf").write_text(f"local all {','.join(users)} scram-sha-256\n", encoding="utf-8")
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


def _as_superuser(
    binaries: Binaries,
    data: Path,
    database: str,
    statements: str,
    pause: Callable[[float], None],
    environment: dict[str, str] | None = None,
) -> None:
    """Run statements, a line each, in the one way there is: alone, while no server runs. Raises StartFailed."""
    # Statements go over standard input, as a process list shows arguments; one that fails is not repeated in the log.
    settings = ("-c", "exit_on_error=true", "-c", "log_min_error_statement=panic")
    command = (str(binaries.folder / "postgres"), "--single", "-D", str(data), *settings, database)
    run(command, text=statements, limit=_INITDB_LIMIT, pause=pause, environment=environment)


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
