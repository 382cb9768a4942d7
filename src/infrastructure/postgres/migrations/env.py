"""How Alembic runs our migrations: one transaction, one node at a time."""

import asyncio

from advanced_alchemy.alembic.commands import AlembicCommandConfig
from alembic import context
from sqlalchemy import AdaptedConnection, Connection, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.postgres import grants
from infrastructure.postgres.audit_tables import metadata
from infrastructure.postgres.tables import TransactionId

ischema_names["xid8"] = TransactionId

_MIGRATION_LOCK = 0x63726D2D61757468
"""An advisory lock of our own ("crm-auth"): of several nodes that start at once one migrates, the others wait."""


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table="schema_version",
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        # A table that stays locked stops the migration, not the service that queues up behind it (X11).
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        context.run_migrations()
        _grant(connection)


def _grant(connection: Connection) -> None:
    """In the transaction of the steps: a running service is at no time without its rights (C05)."""
    service_role = context.config.attributes.get("service_role")
    driver: object = connection.connection.dbapi_connection
    if service_role is not None and isinstance(driver, AdaptedConnection):
        driver.run_async(lambda asyncpg_connection: grants.apply(asyncpg_connection, service_role))


async def _run(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


config = context.config
if not isinstance(config, AlembicCommandConfig) or not isinstance(config.engine, AsyncEngine):
    raise SystemExit("Migrations run through `crm-auth db`, which knows the database.")
asyncio.run(_run(config.engine))
