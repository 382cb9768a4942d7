"""What the commands ask the composition root to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import UUID

from application.accounts.ports import UserQuery
from application.accounts.registration import Registration
from application.outbox.list_deliveries import DeliveryPage
from domain.accounts.user import User
from domain.sessions.session import Session
from interfaces.cli.audit_operations import AuditProving, AuditReading
from interfaces.cli.key_operations import KeyOperations


class OperationFailed(Exception):
    """It could not be done; the message is for the operator, and the exit code 1."""


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """A setting as it is printed: secrets masked."""

    variable: str
    value: str
    meaning: str


class FindingState(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, as the rest of a sentence, and for what is not as it should be what to do."""

    name: str
    state: FindingState
    said: str
    remedy: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which accounts to list, newest first: ``limit`` of them, or with ``None`` all, older than ``after``."""

    query: UserQuery
    after: UUID | None
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ResetLink:
    """Where the owner of an account sets a new password, once, before ``expires_at``."""

    user: User
    url: str
    expires_at: datetime


class UserOperations(Protocol):
    """``crm-auth users``. An account is named by its id, e-mail address or username.

    Each raises DomainError (UserNotFound among them) and OperationFailed.
    """

    def public_url(self) -> str:
        """Where clients reach the service, which pictures are addressed by."""
        ...

    def create(self, registration: Registration) -> User:
        """Register a user, whatever sign-up admits."""
        ...

    def find(self, identifier: str) -> User:
        """The account."""
        ...

    def list(self, listing: Listing, show: Callable[[Sequence[User]], None]) -> UUID | None:
        """Show the accounts page by page; what to go on after, ``None`` when those were all."""
        ...

    def disable(self, identifier: str) -> User:
        """Keep its owner out, and end its sessions. Raises StatusUnchanged as well."""
        ...

    def enable(self, identifier: str) -> User:
        """Let its owner in again. Raises StatusUnchanged as well."""
        ...

    def delete(self, identifier: str) -> User:
        """Delete the account for good; what it was."""
        ...

    def start_password_reset(self, identifier: str) -> ResetLink:
        """A link for its owner, in the place of any that was made before."""
        ...


class SessionOperations(Protocol):
    """The sessions of an account, which is named as above. Each raises DomainError and OperationFailed."""

    def of(self, identifier: str) -> Sequence[Session]:
        """Those that are live, newest first."""
        ...

    def end(self, identifier: str, session_id: UUID | None) -> User:
        """End one, or all; whose they were. Raises SessionNotFound as well."""
        ...


class OutboxOperations(Protocol):
    """``crm-auth outbox``. Each raises DomainError and OperationFailed."""

    def list(self, *, parked: bool, after: int, limit: int) -> DeliveryPage:
        """Those with an id above ``after``: given up, or waiting."""
        ...

    def retry(self, delivery_ids: Sequence[int] | None) -> Sequence[int]:
        """Have them delivered as if for the first time, ``None`` for all that were given up; which it was done with."""
        ...

    def drop(self, delivery_ids: Sequence[int] | None) -> Sequence[int]:
        """Forget them, ``None`` for all that were given up; which are gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterOrder:
    """A filter of breached passwords to be built: of what, where to, and how."""

    source: Path
    """A folder of range files, a file of hashes, or ``-`` for standard input."""
    output: Path
    min_count: int
    bits: int
    processes: int | None
    """``None`` for as many as there are processor cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterBuilt:
    """What became of an order."""

    entries: int
    ranges: int
    missing_ranges: int
    size: int
    """Bytes."""


class PasswordOperations(Protocol):
    """``crm-auth passwords``. It needs no settings and no database."""

    def build_filter(self, order: FilterOrder, told: Callable[[float], None]) -> FilterBuilt:
        """Build it; ``told`` is told how much is done, from 0 to 1. Raises OperationFailed."""
        ...


class AuditOperations(AuditReading, AuditProving, Protocol):
    """``crm-auth audit``."""


class Operations(Protocol):
    """All the commands can do."""

    @property
    def schema(self) -> SchemaOperations:
        """The schema's."""
        ...

    def serve(self, *, host: str, port: int, workers: int) -> int:
        """Serve until told to stop; the exit code. Raises OperationFailed."""
        ...

    def work(self) -> int:
        """Deliver what is in the outbox until told to stop; the exit code. Raises OperationFailed."""
        ...

    def examine(self) -> Sequence[Finding]:
        """What is wrong with the service, and what is not."""
        ...

    def settings(self) -> Sequence[SettingInForce]:
        """What is in force. Raises OperationFailed when the settings are not acceptable."""
        ...

    @property
    def sessions(self) -> SessionOperations:
        """Those of accounts."""
        ...

    @property
    def audit(self) -> AuditOperations:
        """The audit log's."""
        ...

    @property
    def keys(self) -> KeyOperations:
        """The signing keys'."""
        ...

    @property
    def outbox(self) -> OutboxOperations:
        """What is still to be delivered."""
        ...

    @property
    def passwords(self) -> PasswordOperations:
        """What no password may be."""
        ...

    @property
    def users(self) -> UserOperations:
        """The accounts'."""
        ...
