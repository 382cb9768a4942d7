"""What the commands ask the composition root to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from application.accounts.register_user import Registration
from domain.accounts.user import User


class OperationFailed(Exception):
    """It could not be done; the message is for the operator, and the exit code 1."""


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """A setting as it is printed: secrets masked."""

    variable: str
    value: str
    meaning: str


class SchemaOperations(Protocol):
    """``crm-auth db``. Each raises OperationFailed."""

    def init(self) -> Sequence[str]:
        """Make role and database; what was done, a line each."""
        ...

    def upgrade(self, revision: str) -> None:
        """Climb to the revision."""
        ...

    def downgrade(self, revision: str) -> None:
        """Climb down to the revision."""
        ...

    def current(self) -> str:
        """The revision the database is at; empty without a schema."""
        ...

    def check(self) -> None:
        """Raise unless the schema is the code's."""
        ...


class Operations(Protocol):
    """All the commands can do."""

    @property
    def schema(self) -> SchemaOperations:
        """The schema's."""
        ...

    def serve(self, *, host: str, port: int, workers: int) -> int:
        """Serve until told to stop; the exit code. Raises OperationFailed."""
        ...

    def settings(self) -> Sequence[SettingInForce]:
        """What is in force. Raises OperationFailed when the settings are not acceptable."""
        ...

    def create_user(self, registration: Registration) -> User:
        """Register a user, whatever sign-up admits. Raises DomainError, OperationFailed."""
        ...
