"""How to reach the embedded PostgreSQL, kept in files of mode 0600 in the data folder.

The owner's way in is one file, the service's another: a version that knows the first alone finds it as it was.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

from infrastructure.folders import sync_folder
from infrastructure.postgres.embedded.errors import EmbeddedPostgresError

FILE_NAME = "postgres.json"
SERVICE_FILE_NAME = "postgres-service.json"


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """One role's way into one database; ``host`` is the folder of the unix socket, ``port`` only names the socket."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @property
    def dsn(self) -> str:
        """``postgresql://`` URL over the unix socket, as asyncpg reads it. Holds the password: never log it."""
        user, password, host = (quote(part, safe="") for part in (self.user, self.password, self.host))
        return f"postgresql://{user}:{password}@/{quote(self.database, safe='')}?host={host}&port={self.port}"

    @property
    def socket(self) -> str:
        """Path of the unix socket."""
        return f"{self.host}/.s.PGSQL.{self.port}"


def resolved(data_dir: Path) -> Path:
    """One spelling for one data folder: absolute, with symbolic links followed."""
    return Path(os.path.realpath(data_dir))


def connection_info(data_dir: Path) -> ConnectionInfo:
    """Read the stored credentials of the owner and start nothing: for whoever shares a cluster that a server owns.

    Raises EmbeddedPostgresError when there are none to read.
    """
    return _required(data_dir, FILE_NAME)


def service_connection(data_dir: Path) -> ConnectionInfo:
    """The same of the role that owns nothing, as which the service signs in."""
    return _required(data_dir, SERVICE_FILE_NAME)


def stored_connection(data_dir: Path, name: str = FILE_NAME) -> tuple[ConnectionInfo, Path] | None:
    """Credentials and the cluster folder they belong to, or None for a new data folder."""
    return _read(data_dir / name)


def store_connection(data_dir: Path, info: ConnectionInfo, cluster: Path, name: str = FILE_NAME) -> None:
    """Write the credentials in one step, so that a reader or a crash never meets half of them."""
    text = json.dumps(asdict(info) | {"cluster": str(cluster)}, indent=2) + "\n"
    unfinished = data_dir / f".{name}.{secrets.token_hex(8)}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        give_to_owner_of(data_dir, descriptor)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(data_dir / name)
    sync_folder(data_dir)


def give_to_owner_of(folder: Path, descriptor: int) -> None:
    """As root in another account's folder: leave files that this account can still use without root."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _required(data_dir: Path, name: str) -> ConnectionInfo:
    stored = _read(resolved(data_dir) / name)
    if stored is None:
        raise EmbeddedPostgresError(f"The data folder {data_dir} has no embedded PostgreSQL yet: start a server first.")
    return stored[0]


def _read(path: Path) -> tuple[ConnectionInfo, Path] | None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        cluster = Path(stored.pop("cluster"))
        return ConnectionInfo(**stored), cluster
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EmbeddedPostgresError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EmbeddedPostgresError(f"{path} is damaged: restore it from a backup of the data folder.") from error
