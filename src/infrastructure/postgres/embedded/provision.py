"""What an owner settles first, still with root's rights if it has them: place, credentials, binaries."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from infrastructure.postgres.embedded.account import Account
from infrastructure.postgres.embedded.binaries import Binaries, choose
from infrastructure.postgres.embedded.cluster import Cluster
from infrastructure.postgres.embedded.connection import (
    FILE_NAME,
    SERVICE_FILE_NAME,
    ConnectionInfo,
    store_connection,
    stored_connection,
)
from infrastructure.postgres.embedded.control import Reports
from infrastructure.postgres.embedded.copied_binaries import copy_for
from infrastructure.postgres.embedded.errors import EmbeddedPostgresError
from infrastructure.postgres.embedded.placement import choose_cluster_folder, local_folder, prepare_cluster_folder
from infrastructure.postgres.embedded.socket_folder import PORT, socket_folder

ROLE = DATABASE = "crm_auth"
SERVICE_ROLE = "crm_auth_service"


@dataclass(frozen=True, slots=True)
class Provision:
    """What a cluster is run with, and how the owner of the tables and the service get in."""

    cluster: Cluster
    owner: ConnectionInfo
    service: ConnectionInfo
    binaries: Binaries


def provision(
    data_dir: Path, account: Account | None, state_root: Path, candidates: Sequence[Path], reports: Reports
) -> Provision:
    """Settle where the cluster is, what signs in to it, and what runs it. Raises EmbeddedPostgresError.

    The credentials are stored before the cluster is made: an interruption leaves credentials without a cluster, which
    the next start uses, never a cluster that nobody can enter.
    """
    cluster = Cluster(choose_cluster_folder(data_dir, state_root, account))
    password = _password(data_dir, cluster)
    copy = partial(copy_for, account, state_root) if account else _no_copy
    binaries = choose(candidates, major=cluster.major(), account=account, copy=copy, data=cluster.data)
    if account and cluster.folder != local_folder(data_dir):
        reports.log(f"The account {account.name} cannot enter {data_dir}: the database is kept in {cluster.folder}")
    prepare_cluster_folder(cluster.folder, account, state_root)
    host = str(socket_folder(cluster.folder, account))
    info = ConnectionInfo(host=host, port=PORT, user=ROLE, password=password, database=DATABASE)
    service = replace(info, user=SERVICE_ROLE, password=_service_password(data_dir))
    for name, way_in in ((SERVICE_FILE_NAME, service), (FILE_NAME, info)):
        if stored_connection(data_dir, name) != (way_in, cluster.folder):
            store_connection(data_dir, way_in, cluster.folder, name)
    return Provision(cluster, info, service, binaries)


def _service_password(data_dir: Path) -> str:
    """The stored one, or a new one, which the cluster is told before its next start."""
    stored = stored_connection(data_dir, SERVICE_FILE_NAME)
    return stored[0].password if stored else secrets.token_urlsafe(32)


def _password(data_dir: Path, cluster: Cluster) -> str:
    """The stored password, or a new one of 256 bits; refuses to begin afresh beside data that was not found."""
    stored = stored_connection(data_dir)
    if stored is None:
        if cluster.exists:
            raise EmbeddedPostgresError(
                f"The database in {cluster.folder} is there but its credentials {data_dir / FILE_NAME} are not: "
                "restore that file from a backup, or move the database away to begin afresh."
            )
        return secrets.token_urlsafe(32)
    info, known = stored
    if known != cluster.folder and Cluster(known).exists and not cluster.exists:
        raise EmbeddedPostgresError(
            f"The data folder {data_dir} has its database in {known} and now looks for it in {cluster.folder}: "
            "move it there, or the data folder back to where it was."
        )
    return info.password


def _no_copy(_folder: Path, _version: str) -> None:
    return None
