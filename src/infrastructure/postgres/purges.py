"""Deleting what is over: a bounded batch a statement, and a bounded number of batches in one go.

Every process does it, and what it leaves the next round takes on: nothing that is kept up beside it waits for a backlog
of years, or for one that grows as fast as it is deleted.
"""

from infrastructure.postgres.database import Database

BATCH = 1000
MOST_BATCHES = 20


async def purge_by(database: Database, statement: str, *arguments: object) -> int:
    """Delete by a statement that deletes ``BATCH`` rows at most, and gives a row for each; how many there were."""
    total = 0
    for _ in range(MOST_BATCHES):
        gone = len(await database.fetch(statement, *arguments))
        total += gone
        if gone < BATCH:
            break
    return total
