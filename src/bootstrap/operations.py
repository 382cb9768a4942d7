"""What the command line can do. Everything heavy is imported where it is used: `--help` needs none of it."""

# ruff: noqa: PLC0415 - see above

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from application.accounts.register_user import Registration
from application.origin import NOWHERE
from domain.accounts.user import User
from interfaces.cli.operations import OperationFailed, SettingInForce

if TYPE_CHECKING:
    from bootstrap.settings import Settings

_MASK = "********"


@contextmanager
def _explained() -> Iterator[None]:
    """Failures that an operator can mend, as one sentence each."""
    from bootstrap.lifespan import StartRefused
    from bootstrap.settings import SettingsError
    from infrastructure.postgres.embedded import EmbeddedPostgresError
    from infrastructure.postgres.schema_version import SchemaError

    try:
        yield
    except (StartRefused, SettingsError, EmbeddedPostgresError, SchemaError) as failure:
        raise OperationFailed(str(failure)) from failure


def _settings() -> "Settings":
    from bootstrap.settings import Settings, SettingsError

    try:
        return Settings.from_environment(os.environ)
    except SettingsError as error:
        raise OperationFailed(str(error)) from None


class ServiceOperations:
    """Implements :class:`interfaces.cli.operations.Operations` on the settings of the environment."""

    def __init__(self) -> None:
        self.schema = DatabaseSchema()

    def serve(self, *, host: str, port: int, workers: int) -> int:
        """Serve until told to stop; the exit code."""
        settings = _settings()
        from bootstrap.server import serve

        with _explained():
            return serve(settings, host=host, port=port, workers=workers)

    def settings(self) -> Sequence[SettingInForce]:
        """What is in force, secrets masked."""
        from bootstrap.settings import variable

        settings = _settings()
        return [
            SettingInForce(
                variable=variable(item.name),
                value=_printed(getattr(settings, item.name), is_secret=item.metadata["secret"]),
                meaning=item.metadata["meaning"],
            )
            for item in fields(settings)
        ]

    def create_user(self, registration: Registration) -> User:
        """Register a user as the operator does it, on the server's database or on the embedded one."""
        settings = _settings()
        from bootstrap.server import with_database

        with _explained(), with_database(settings, join=True) as resolved:
            return asyncio.run(_register(resolved, registration))


class DatabaseSchema:
    """Implements :class:`interfaces.cli.operations.SchemaOperations`."""

    def init(self) -> Sequence[str]:
        """Make role and database."""
        settings = _settings()
        if settings.database_url is None or settings.database_admin_url is None:
            raise OperationFailed("CRM_AUTH_DATABASE_URL and CRM_AUTH_DATABASE_ADMIN_URL must both be given.")
        from infrastructure.postgres import schema

        with _explained():
            return schema.initialise(settings.database_admin_url, settings.database_url)

    def upgrade(self, revision: str) -> None:
        """Climb to the revision."""
        from infrastructure.postgres import schema

        with self._url() as url:
            schema.upgrade(url, revision)

    def downgrade(self, revision: str) -> None:
        """Climb down to the revision."""
        from infrastructure.postgres import schema

        with self._url() as url:
            schema.downgrade(url, revision)

    def current(self) -> str:
        """The revision the database is at."""
        from infrastructure.postgres import schema

        with self._url() as url:
            return schema.current(url)

    def check(self) -> None:
        """Raise unless the schema is the code's."""
        from infrastructure.postgres import schema

        with self._url() as url:
            schema.check(url)

    @contextmanager
    def _url(self) -> Iterator[str]:
        from bootstrap.server import database_url

        settings = _settings()
        with _explained(), database_url(settings, join=True) as url:
            yield url


async def _register(settings: "Settings", registration: Registration) -> User:
    from bootstrap.container import for_operator, make_container
    from bootstrap.lifespan import running

    async with running(make_container(settings)) as container:
        return await for_operator(container)(registration, NOWHERE)


def _printed(value: Any, *, is_secret: bool) -> str:
    if value is None or value == ():
        return ""
    if is_secret:
        return _MASK
    match value:
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(map(str, value))
        case _:
            return str(value.total_seconds()).removesuffix(".0") if hasattr(value, "total_seconds") else str(value)
