"""A private PostgreSQL beneath the data folder, for one machine, needing no set-up.

``EmbeddedPostgres`` starts it; ``connection_info`` and ``service_connection`` tell how to reach one that runs, as the
owner of the tables and as the service. A small owner process sits
between the two: it holds the lock of the data folder and a pipe from the server, so that PostgreSQL stops cleanly
however the server ends.
"""

from infrastructure.postgres.embedded.connection import ConnectionInfo, connection_info, service_connection
from infrastructure.postgres.embedded.errors import (
    DataFolderInUse,
    EmbeddedPostgresError,
    NoBinaries,
    NoSuitableAccount,
    StartFailed,
    WrongMajorVersion,
)
from infrastructure.postgres.embedded.supervisor import EmbeddedPostgres

__all__ = [
    "ConnectionInfo",
    "DataFolderInUse",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "NoBinaries",
    "NoSuitableAccount",
    "StartFailed",
    "WrongMajorVersion",
    "connection_info",
    "service_connection",
]
