"""Of what kinds the password hashes are, for whoever has to cost as much (L02)."""

from collections.abc import Mapping
from math import log2

from infrastructure.postgres.database import Database

_SAMPLE = 10_000
"""Hashes or so, by which the share of a kind is known to within a hundredth."""

_ROW_BYTES = 256
"""Of a table that is neither new nor bloated. The statistics would tell nothing of one just filled."""
_SIZE = f"SELECT pg_relation_size('credentials') / {_ROW_BYTES} AS size"

# What hashes of one cost begin with. The sample is the same for all workers, and the next time as well, so that a name
# which nobody has does not change its cost, as only a name that somebody has ever would.
_KINDS = r"""
SELECT substring(
    secret FROM '^(?:\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+|(?:\$bcrypt\$rule=[a-z]+)?\$2[aby]\$\d\d)(?=\$)'
) AS kind, count(*) AS count
FROM credentials TABLESAMPLE SYSTEM ($1::float4) REPEATABLE (1) WHERE kind = 'password'
GROUP BY 1
"""


async def count_kinds(database: Database) -> Mapping[str, int]:
    """How many there are of each, in a sample where there are many. Raises ServiceUnavailable."""
    row = await database.fetch_row(_SIZE)
    size = row["size"] if row else 0
    # Halved as the table doubles, and steady in between.
    percent = 100.0 / 2 ** int(log2(max(1.0, size / _SAMPLE)))
    rows = await database.fetch(_KINDS, percent)
    return {row["kind"]: row["count"] for row in rows if row["kind"]}
