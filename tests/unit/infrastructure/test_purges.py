"""A purge ends, whatever there is to delete: what it leaves is for the next round."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import cast

import pytest

from infrastructure.postgres import counters, email_changes, idempotency_keys, one_time_tokens, session_purge, sign_ups
from infrastructure.postgres.database import Database
from infrastructure.postgres.purges import BATCH, MOST_BATCHES


class EndlessWork:
    """A database in which there is always another full batch."""

    def __init__(self) -> None:
        self.statements = 0

    async def fetch(self, *_: object) -> list[None]:
        self._count()
        return [None] * BATCH

    async def fetch_row(self, *_: object) -> dict[str, object]:
        self._count()
        return {"rule": "a rule", "subject": b"", "gone": BATCH, "looked_at": BATCH}

    def _count(self) -> None:
        self.statements += 1
        assert self.statements <= 100, "no end to it"


@pytest.mark.parametrize(
    ("purge", "kinds"),
    [
        (counters.CounterPurge(looked_at=BATCH), 1),
        (one_time_tokens.purge, 1),
        (sign_ups.purge, 1),
        (idempotency_keys.purge, 1),
        (email_changes.purge, 2),
        (lambda database: session_purge.purge(database, timedelta(days=7)), 2),
    ],
)
async def test_a_purge_stops_after_so_many_batches_of_each_kind(
    purge: Callable[[Database], Awaitable[object]], kinds: int
) -> None:
    database = EndlessWork()
    await purge(cast("Database", database))
    assert database.statements == kinds * MOST_BATCHES
