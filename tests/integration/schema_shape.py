"""What a database's schema is made of, as the server itself tells it, for comparing two."""

from tests.support.rows import connected

_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
FROM information_schema.columns WHERE table_schema = 'public'
"""
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
"""
_INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
_RELATIONS = """
SELECT relname, relkind::text, reloptions::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""
_TYPES_AND_FUNCTIONS = """
SELECT typname, 'type' FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typrelid = 0 AND typelem = 0
UNION ALL SELECT proname, 'function' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT extname, 'extension' FROM pg_extension WHERE extname <> 'plpgsql'
"""


async def shape_of(database_url: str) -> list[tuple[object, ...]]:
    """Tables, columns, constraints, indexes, types, functions and extensions, sorted."""
    found: list[tuple[object, ...]] = []
    async with connected(database_url) as connection:
        for query in (_COLUMNS, _CONSTRAINTS, _INDEXES, _RELATIONS, _TYPES_AND_FUNCTIONS):
            found += [tuple(row) for row in await connection.fetch(query)]
    return sorted(found, key=str)
