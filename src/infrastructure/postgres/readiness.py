"""Whether the database can serve requests."""

from dataclasses import dataclass

import asyncpg

from domain.errors import ServiceUnavailable
from infrastructure.postgres.database import Database
from infrastructure.postgres.schema_version import NEWEST, REVISION


@dataclass(frozen=True, slots=True)
class PostgresReadiness:
    """The parts that readiness depends on, and how they are."""

    database: Database

    async def parts(self) -> dict[str, str]:
        """``ok``, or what is wrong, by part."""
        try:
            row = await self.database.fetch_row(REVISION)
        except ServiceUnavailable:
            return {"database": "away", "schema": "unknown"}
        except asyncpg.UndefinedTableError:
            return {"database": "ok", "schema": "missing: run `crm-auth db upgrade`"}
        if row is None:
            return {"database": "ok", "schema": "missing: run `crm-auth db upgrade`"}
        # Another revision is said and not refused: during a rolling upgrade old and new run side by side (X11).
        return {"database": "ok", "schema": "ok" if row["version_num"] == NEWEST else f"at {row['version_num']}"}
