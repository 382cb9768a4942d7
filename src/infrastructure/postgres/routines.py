"""The functions and triggers of the schema, as the migrations leave them; comparing the tables does not see them."""

from collections.abc import Mapping

import asyncpg

FUNCTIONS: Mapping[str, str] = {
    "end_sessions_beyond": "595b5caea4bfa320",
    "audit_queue_event": "18a07aa6c37aba34",
    "audit_erase_user": "f676cdce21f44559",
    "audit_drop_before": "627d66496ce8c4d7",
    "audit_refuse_change": "f5fa6a1bdacae374",
}
"""The SHA-256 of each body, its first 16 hexadecimal digits. A migration that changes one changes its line here."""
TRIGGERS = frozenset(
    {
        "events.events_queued",
        "users.users_erased",
        "audit_entries.audit_entries_append_only",
        "audit_heads.audit_heads_append_only",
    }
)
"""As ``table.trigger``; each has to be on."""

_FUNCTIONS = """
SELECT proname AS name, left(encode(sha256(convert_to(prosrc, 'UTF8')), 'hex'), 16) AS digest FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
"""
_TRIGGERS = """
SELECT relname || '.' || tgname AS name FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal AND tgenabled <> 'D'
"""


async def routine_differences(url: str) -> list[str]:
    """A sentence for each function or trigger of ours that is missing, off, or another; what is not ours is let be."""
    connection = await asyncpg.connect(url, statement_cache_size=0)
    try:
        functions = {row["name"]: row["digest"] for row in await connection.fetch(_FUNCTIONS)}
        triggers = {row["name"] for row in await connection.fetch(_TRIGGERS)}
    finally:
        await connection.close()
    return [
        f"The function {name} is {'another' if name in functions else 'missing'}."
        for name, digest in FUNCTIONS.items()
        if functions.get(name) != digest
    ] + [f"The trigger {name} is missing or off." for name in sorted(TRIGGERS - triggers)]
