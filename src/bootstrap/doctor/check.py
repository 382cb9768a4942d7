"""What a check is given, and what it says."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from bootstrap.settings import Settings
from infrastructure.postgres.connection_pool import Connection
from interfaces.cli.operations import Finding, FindingState


@dataclass(slots=True, kw_only=True)
class Patient:
    """The settings in force, the environment they are of, and for those that ask it the database."""

    settings: Settings
    environment: dict[str, str]
    connection: Connection | None = None

    @property
    def database(self) -> Connection:
        """Of a check that is made only when there is one."""
        if self.connection is None:
            raise LookupError("this check needs the database")
        return self.connection


class Check(Protocol):
    """Looks at one thing."""

    __name__: str

    def __call__(self, patient: Patient) -> Awaitable[Finding]:
        """What it found; whatever it raises is a finding as well."""
        ...


def ok(name: str, said: str) -> Finding:
    """As it should be."""
    return Finding(name, FindingState.OK, said)


def warning(name: str, said: str, remedy: str) -> Finding:
    """The service runs, and something about it is not as it should be."""
    return Finding(name, FindingState.WARNING, said, remedy)


def failed(name: str, said: str, remedy: str) -> Finding:
    """The service does not run as it is, or does not do what people rely on."""
    return Finding(name, FindingState.FAILED, said, remedy)
