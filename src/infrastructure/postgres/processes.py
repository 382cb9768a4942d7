"""What runs, and what it sees of who is asking, told to whoever looks from another process or machine."""

import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from uuid import UUID

from asyncpg import Record

from application.ports import IdGenerator
from domain.self_check.sightings import Sightings
from infrastructure.postgres.database import Database

_TELL = """
WITH gone AS (DELETE FROM processes WHERE seen_at < now() - interval '1 day' AND id <> $1)
INSERT INTO processes (
    id, host, pid, version, serves, works, started_at, clock_ahead, public_url, sightings
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb)
ON CONFLICT (id) DO UPDATE
SET seen_at = now(), clock_ahead = excluded.clock_ahead, sightings = excluded.sightings
RETURNING clock_timestamp() AS now
"""

_LEAVE = "DELETE FROM processes WHERE id = $1"

RECENT = """
SELECT host, pid, version, serves, works, started_at, public_url, sightings, clock_ahead,
    extract(epoch FROM now() - seen_at)::float8 AS age
FROM processes WHERE seen_at > now() - interval '1 hour' ORDER BY host, pid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One that runs, or did within the hour; ``age`` is in seconds since it was last heard of."""

    host: str
    pid: int
    version: str
    serves: bool
    works: bool
    public_url: str
    sightings: Sightings
    clock_ahead: float
    age: float


@dataclass(slots=True)
class PostgresProcesses:
    """Tells of this process."""

    database: Database
    new_id: IdGenerator
    public_url: str
    _id: UUID = field(init=False)
    _started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _clock_ahead: float = 0.0

    def __post_init__(self) -> None:
        self._id = self.new_id()

    async def tell(self, sightings: Sightings, *, serves: bool, works: bool) -> None:
        """That it runs, and what it sees. Raises ServiceUnavailable."""
        asked = time.time()
        row = await self.database.fetch_row(
            _TELL,
            self._id,
            socket.gethostname(),
            os.getpid(),
            own_version(),
            serves,
            works,
            self._started_at,
            self._clock_ahead,
            self.public_url,
            json.dumps(asdict(sightings)),
        )
        if row is not None:
            self._clock_ahead = (asked + time.time()) / 2 - row["now"].timestamp()

    async def leave(self) -> None:
        """It is about to end. Raises ServiceUnavailable."""
        await self.database.fetch(_LEAVE, self._id)


def own_version() -> str:
    """Of the code that runs."""
    try:
        return version("crm-auth")
    except PackageNotFoundError:
        return "unknown"


def processes_of(rows: Sequence[Record]) -> list[Process]:
    """Those in the rows that ``RECENT`` gives."""
    return [
        Process(
            host=row["host"],
            pid=row["pid"],
            version=row["version"],
            serves=row["serves"],
            works=row["works"],
            public_url=row["public_url"],
            sightings=_sightings_of(json.loads(row["sightings"])),
            clock_ahead=row["clock_ahead"],
            age=row["age"],
        )
        for row in rows
    ]


def _sightings_of(document: dict[str, object]) -> Sightings:
    known = {name: value for name, value in document.items() if name in Sightings.__dataclass_fields__}
    lists = {name: value for name, value in known.items() if isinstance(value, list)}
    return Sightings(**{**known, **{name: _tuples(value) for name, value in lists.items()}})  # type: ignore[arg-type]


def _tuples(value: list[object]) -> tuple[object, ...]:
    return tuple(_tuples(each) if isinstance(each, list) else each for each in value)
