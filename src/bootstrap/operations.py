"""What the command line can do. Everything heavy is imported where it is used: `--help` needs none of it."""

# ruff: noqa: PLC0415 - see above

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from bootstrap.audit_proving import ServiceAuditProving
from bootstrap.audit_reading import ServiceAuditReading
from bootstrap.key_operations import ServiceKeys
from bootstrap.outbox_operations import ServiceOutbox
from bootstrap.password_operations import ServicePasswords
from bootstrap.user_operations import ServiceSessions, ServiceUsers
from interfaces.cli.operations import Finding, OperationFailed, SettingInForce

if TYPE_CHECKING:
    from bootstrap.database_access import DatabaseAccess
    from bootstrap.settings import Settings

_MASK = "********"


@contextmanager
def explained() -> Iterator[None]:
    """Failures that an operator can mend, as one sentence each."""
    from bootstrap.lifespan import StartRefused
    from bootstrap.settings import SettingsError
    from infrastructure.audit.keys import AuditKeyUnreadable
    from infrastructure.passwords.breached.filter_format import FilterRefused
    from infrastructure.postgres.embedded import EmbeddedPostgresError
    from infrastructure.postgres.schema_version import SchemaError

    told = (StartRefused, SettingsError, FilterRefused, EmbeddedPostgresError, SchemaError, AuditKeyUnreadable)
    try:
        yield
    except told as failure:
        raise OperationFailed(str(failure)) from failure


def settings_of_environment() -> "Settings":
    """Raises OperationFailed."""
    from bootstrap.settings import Settings, SettingsError

    try:
        return Settings.from_environment(os.environ)
    except SettingsError as error:
        raise OperationFailed(str(error)) from None


class ServiceOperations:
    """Implements :class:`interfaces.cli.operations.Operations` on the settings of the environment."""

    def __init__(self) -> None:
        self.schema = DatabaseSchema()
        self.users = ServiceUsers()
        self.sessions = ServiceSessions()
        self.outbox = ServiceOutbox()
        self.passwords = ServicePasswords()
        self.audit = ServiceAudit()
        self.keys = ServiceKeys()

    def serve(self, *, host: str, port: int, workers: int) -> int:
        """Serve until told to stop; the exit code."""
        settings = settings_of_environment()
        from bootstrap.server import serve
        from bootstrap.settings import is_given

        if not is_given(os.environ, "public_url"):
            settings = replace(settings, public_url=f"http://127.0.0.1:{port}")
        with explained():
            return serve(settings, host=host, port=port, workers=workers)

    def work(self) -> int:
        """Deliver what is in the outbox until told to stop; the exit code."""
        settings = settings_of_environment()
        from bootstrap.server import work

        with explained():
            return work(settings)

    def examine(self) -> Sequence[Finding]:
        """What is wrong with the service, and what is not."""
        from bootstrap.doctor.examination import examine, refused
        from bootstrap.settings import Settings, SettingsError

        environment = dict(os.environ)
        try:
            settings = Settings.from_environment(environment)
        except SettingsError as error:
            return refused(error)
        return examine(settings, environment)

    def settings(self) -> Sequence[SettingInForce]:
        """What is in force, secrets masked."""
        from bootstrap.settings import variable

        settings = settings_of_environment()
        return [
            SettingInForce(
                variable=variable(item.name),
                value=_printed(getattr(settings, item.name), item.metadata),
                meaning=item.metadata["meaning"],
            )
            for item in fields(settings)
        ]


class ServiceAudit(ServiceAuditReading, ServiceAuditProving):
    """Implements :class:`interfaces.cli.operations.AuditOperations`."""


class DatabaseSchema:
    """Implements :class:`interfaces.cli.operations.SchemaOperations`."""

    def init(self) -> Sequence[str]:
        """Make roles and database."""
        settings = settings_of_environment()
        if settings.database_url is None or settings.database_admin_url is None:
            raise OperationFailed("CRM_AUTH_DATABASE_URL and CRM_AUTH_DATABASE_ADMIN_URL must both be given.")
        from infrastructure.postgres import schema

        with explained():
            return schema.initialise(
                settings.database_admin_url, settings.database_url, settings.database_migration_url
            )

    def upgrade(self, revision: str) -> None:
        """Climb to the revision."""
        from infrastructure.postgres import schema

        with self._access() as access:
            schema.upgrade(access.owner_url, revision, service_role=access.service_role)

    def downgrade(self, revision: str) -> None:
        """Climb down to the revision."""
        from infrastructure.postgres import schema

        with self._access() as access:
            schema.downgrade(access.owner_url, revision, service_role=access.service_role)

    def current(self) -> str:
        """The revision the database is at."""
        from infrastructure.postgres import schema

        with self._access() as access:
            return schema.current(access.owner_url)

    def check(self) -> None:
        """Raise unless the schema is the code's."""
        from infrastructure.postgres import schema

        with self._access() as access:
            schema.check(access.owner_url, service_role=access.service_role)

    @contextmanager
    def _access(self) -> "Iterator[DatabaseAccess]":
        from bootstrap.server import database_access

        settings = settings_of_environment()
        with explained(), database_access(settings, join=True) as access:
            yield access


def _printed(value: Any, metadata: Mapping[str, Any]) -> str:
    """As it would be set."""
    if value is None or value == ():
        return "" if value is None else str(metadata["nothing"])
    if metadata["secret"]:
        return _MASK
    match value:
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(map(str, value))
        case _:
            return str(value.total_seconds()).removesuffix(".0") if hasattr(value, "total_seconds") else str(value)
