"""The tables of the audit log (decision record 0029). What is computed is computed from what the chain covers."""

from advanced_alchemy.types import DateTimeUTC
from sqlalchemy import BigInteger, Column, Computed, Index, LargeBinary, Table, Text, UniqueConstraint, Uuid, func, text

from infrastructure.postgres.tables import metadata

__all__ = ["metadata"]
"""With these tables in it."""

audit_queue = Table(
    "audit_queue",
    metadata,
    # Filled by a trigger on events. Sealing takes from it what it seals.
    Column("position", BigInteger, primary_key=True, autoincrement=False, comment="of an event to be sealed"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False, comment="canonical JSON"),
    Column("personal", LargeBinary, nullable=False, comment="sealed; empty where nothing is personal"),
    Column("hash", LargeBinary, nullable=False, comment="of the entry and the hash before it"),
    Column("event_id", Uuid, Computed("(entry::jsonb ->> 'event')::uuid", persisted=True), nullable=False),
    Column("user_id", Uuid, Computed("(entry::jsonb ->> 'user')::uuid", persisted=True)),
    Column("session_id", Uuid, Computed("(entry::jsonb ->> 'session')::uuid", persisted=True)),
    Column("request_id", Text, Computed("entry::jsonb ->> 'request'", persisted=True)),
    Column("type", Text, Computed("entry::jsonb ->> 'type'", persisted=True), nullable=False),
    Column("at", Text(collation="C"), Computed("entry::jsonb ->> 'at'", persisted=True), nullable=False),
    UniqueConstraint("event_id"),
    *(
        Index(
            f"audit_entries_{column}_sequence_idx", column, "sequence", postgresql_where=text(f"{column} IS NOT NULL")
        )
        for column in ("user_id", "session_id", "request_id")
    ),
    Index(None, "at"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False, comment="canonical JSON, which is what is signed"),
    Column("signature", LargeBinary, nullable=False, comment="Ed25519"),
    Column("sequence", BigInteger, Computed("(body::jsonb ->> 'sequence')::bigint", persisted=True), nullable=False),
    Column("written_at", DateTimeUTC, comment="when it was written off the host"),
    Index("audit_heads_sequence_at_idx", "sequence", text("(body::jsonb ->> 'at')")),
    Index("audit_heads_unwritten_idx", "number", postgresql_where=text("written_at IS NULL")),
)

audit_keys = Table(
    "audit_keys",
    metadata,
    # What is personal in entries is sealed with them; the removal of one is the erasure of all that it sealed.
    Column("owner", Text, primary_key=True, comment="a user's id, or a month for events without a user"),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Index("audit_keys_month_idx", "owner", postgresql_where=text("length(owner) = 7")),
)

audit_erasures = Table(
    "audit_erasures",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("erased_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("head", BigInteger, comment="that tells of it"),
    Index("audit_erasures_untold_idx", "user_id", postgresql_where=text("head IS NULL")),
)

audit_signing_keys = Table(
    "audit_signing_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("public_key", LargeBinary, nullable=False, comment="Ed25519, 32 bytes"),
    Column("sealed_private_key", LargeBinary, nullable=False),
    Column("created_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("retired_at", DateTimeUTC),
    Index(
        "audit_signing_keys_one_active_key", text("(true)"), unique=True, postgresql_where=text("retired_at IS NULL")
    ),
)
