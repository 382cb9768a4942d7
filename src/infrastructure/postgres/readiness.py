"""Whether the database can serve requests."""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from domain.errors import ServiceUnavailable
from infrastructure.postgres.database import Database
from infrastructure.postgres.schema_version import REVISION


@dataclass(frozen=True, slots=True)
class PostgresReadiness:
    """The parts that an answer depends on.

    Any revision of the schema will do: during a rolling upgrade old and new versions run side by side (X11).
    """

    database: Database

    async def parts(self) -> Mapping[str, bool]:
        """Whether the database answers, and whether it has a schema of ours."""
        try:
            row = await self.database.fetch_row(REVISION)
        except ServiceUnavailable:
            return {"database": False, "schema": False}
        except asyncpg.UndefinedTableError:
            return {"database": True, "schema": False}
        return {"database": True, "schema": row is not None}
