"""A PostgreSQL of the test's own, to be stopped, frozen and killed."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infrastructure.postgres import schema
from infrastructure.postgres.embedded import EmbeddedPostgres, service_connection
from infrastructure.postgres.roles import user_of
from tests.integration.embedded.processes import is_running, postgres_processes, postmaster_of
from tests.support.database import data_folder, owner_url_of, remember_owner
from tests.support.server import until


class OwnPostgres:
    """One cluster with our schema. Every method blocks: call it in a thread while the application runs in the loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._embedded = EmbeddedPostgres(folder)
        self._frozen: list[int] = []
        self.url = ""

    def start(self) -> None:
        owner_url = self._embedded.start().dsn
        self.url = service_connection(self._folder).dsn
        remember_owner(self.url, owner_url)

    def stop(self) -> None:
        """Shut it down; connections are broken off."""
        self.thaw()
        self._embedded.stop()

    def crash(self) -> int:
        """Kill -9 of the postmaster, which is started again by its owner; its process id."""
        postmaster = postmaster_of(self._folder)
        os.kill(postmaster, signal.SIGKILL)
        until(lambda: not is_running(postmaster))
        return postmaster

    def freeze(self) -> None:
        """It hangs: takes connections as far as the system does, and answers nothing."""
        # The postmaster first, so that it starts no other process while the rest is stopped.
        os.kill(postmaster_of(self._folder), signal.SIGSTOP)
        self._frozen = postgres_processes(self._folder)
        for process in self._frozen:
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        frozen, self._frozen = self._frozen, []
        for process in frozen:
            os.kill(process, signal.SIGCONT)


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A running one with our schema."""
    with data_folder() as folder:
        postgres = OwnPostgres(folder)
        try:
            postgres.start()
            schema.upgrade(owner_url_of(postgres.url), service_role=user_of(postgres.url))
            yield postgres
        finally:
            postgres.stop()
