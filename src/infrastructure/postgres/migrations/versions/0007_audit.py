"""The audit log: the record of events as a chain, its signed heads, and the keys of what is personal in it."""

import sqlalchemy as sa
from advanced_alchemy.types import DateTimeUTC
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Whoever writes an event down queues it, in the same transaction: what commits late is sealed late and never skipped,
# and a database that was restored elsewhere, where transaction ids begin anew, goes on where it was.
_QUEUE = """
CREATE FUNCTION audit_queue_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_queue (position) VALUES (NEW.position);
    RETURN NULL;
END
$$
"""
_TRIGGER = "CREATE TRIGGER events_queued AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION audit_queue_event()"

# The only way by which anything leaves the log. It takes what is expired from the front, and nothing else: an entry
# after p_sequence, one that is younger than p_before, and anything from the last 30 days is not its to remove.
_DROP = """
CREATE FUNCTION audit_drop_before(p_sequence bigint, p_before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    expired text := to_char(p_before AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    dropped bigint;
    has_young boolean;
    sign_ups uuid[];
    oldest text;
BEGIN
    IF p_before > now() - interval '30 days' THEN
        RAISE EXCEPTION 'the audit log keeps at least 30 days';
    END IF;
    IF NOT EXISTS (SELECT FROM audit_heads WHERE sequence = p_sequence) THEN
        RAISE EXCEPTION 'no head was signed at %', p_sequence;
    END IF;
    WITH gone AS (
        DELETE FROM audit_entries WHERE sequence <= p_sequence RETURNING at, type, entry::jsonb ->> 'key' AS owner
    )
    SELECT count(*), coalesce(bool_or(at >= expired), false),
        array_agg(owner::uuid) FILTER (WHERE type = 'sign_up.requested' AND length(owner) = 36)
    INTO dropped, has_young, sign_ups FROM gone;
    IF has_young THEN
        RAISE EXCEPTION 'not all entries up to % are expired', p_sequence;
    END IF;
    DELETE FROM audit_heads WHERE sequence < p_sequence;
    SELECT left(least(min(at), expired), 7) INTO oldest FROM audit_entries;
    DELETE FROM audit_keys WHERE owner ~ '^[0-9]{4}-[0-9]{2}$' AND owner COLLATE "C" < oldest COLLATE "C";
    DELETE FROM audit_keys AS k USING unnest(sign_ups) AS s (id)
    WHERE k.owner = s.id::text AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = s.id);
    DELETE FROM audit_erasures WHERE erased_at < p_before AND head IS NOT NULL;
    DELETE FROM events AS e
    USING (SELECT position FROM events ORDER BY position LIMIT 10000) AS oldest
    WHERE e.position = oldest.position AND e.occurred_at < p_before
        AND NOT EXISTS (SELECT FROM deliveries AS d WHERE d.event_position = e.position)
        AND NOT EXISTS (SELECT FROM audit_queue AS q WHERE q.position = e.position);
    RETURN dropped;
END
$$
"""

# Whoever deletes an account erases it here as well, also a node of the version before, beside which this one comes up:
# the key goes, the erasure is noted, and the sign-up that became the account, which names no user, says no address.
_ERASE = """
CREATE FUNCTION audit_erase_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM audit_keys WHERE owner = OLD.id::text;
    INSERT INTO audit_erasures (user_id) VALUES (OLD.id)
    ON CONFLICT (user_id) DO UPDATE SET erased_at = now(), head = NULL;
    UPDATE events SET ip_address = NULL, user_agent = NULL
    WHERE type = 'sign_up.requested' AND data ->> 'sign_up_id' = OLD.id::text;
    RETURN NULL;
END
$$
"""
_ERASED = "CREATE TRIGGER users_erased AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION audit_erase_user()"


def upgrade() -> None:
    """Six tables and three functions. What was recorded before is sealed as it is found; who was deleted is erased."""
    op.create_table(
        "audit_queue",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False, comment="of an event to be sealed"),
        sa.PrimaryKeyConstraint("position", name=op.f("audit_queue_pkey")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.Text(), nullable=False, comment="canonical JSON"),
        sa.Column("personal", sa.LargeBinary(), nullable=False, comment="sealed; empty where nothing is personal"),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="of the entry and the hash before it"),
        sa.Column(
            "event_id", sa.Uuid(), sa.Computed("(entry::jsonb ->> 'event')::uuid", persisted=True), nullable=False
        ),
        sa.Column("user_id", sa.Uuid(), sa.Computed("(entry::jsonb ->> 'user')::uuid", persisted=True)),
        sa.Column("session_id", sa.Uuid(), sa.Computed("(entry::jsonb ->> 'session')::uuid", persisted=True)),
        sa.Column("request_id", sa.Text(), sa.Computed("entry::jsonb ->> 'request'", persisted=True)),
        sa.Column("type", sa.Text(), sa.Computed("entry::jsonb ->> 'type'", persisted=True), nullable=False),
        sa.Column("at", sa.Text(collation="C"), sa.Computed("entry::jsonb ->> 'at'", persisted=True), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("audit_entries_pkey")),
        sa.UniqueConstraint("event_id", name=op.f("audit_entries_event_id_key")),
    )
    for column in ("user_id", "session_id", "request_id"):
        op.create_index(
            f"audit_entries_{column}_sequence_idx",
            "audit_entries",
            [column, "sequence"],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index(op.f("audit_entries_at_idx"), "audit_entries", ["at"])
    op.create_table(
        "audit_heads",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="canonical JSON, which is what is signed"),
        sa.Column("signature", sa.LargeBinary(), nullable=False, comment="Ed25519"),
        sa.Column(
            "sequence",
            sa.BigInteger(),
            sa.Computed("(body::jsonb ->> 'sequence')::bigint", persisted=True),
            nullable=False,
        ),
        sa.Column("written_at", DateTimeUTC(), comment="when it was written off the host"),
        sa.PrimaryKeyConstraint("number", name=op.f("audit_heads_pkey")),
    )
    op.create_index(op.f("audit_heads_sequence_idx"), "audit_heads", ["sequence"])
    op.create_index(
        "audit_heads_unwritten_idx", "audit_heads", ["number"], postgresql_where=sa.text("written_at IS NULL")
    )
    op.create_table(
        "audit_keys",
        sa.Column("owner", sa.Text(), nullable=False, comment="a user's id, or a month for events without a user"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("audit_keys_pkey")),
    )
    op.create_table(
        "audit_erasures",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column("head", sa.BigInteger(), comment="that tells of it"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("audit_erasures_pkey")),
    )
    op.create_index(
        "audit_erasures_untold_idx", "audit_erasures", ["user_id"], postgresql_where=sa.text("head IS NULL")
    )
    op.create_table(
        "audit_signing_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False, comment="Ed25519, 32 bytes"),
        sa.Column("sealed_private_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", DateTimeUTC()),
        sa.PrimaryKeyConstraint("key_id", name=op.f("audit_signing_keys_pkey")),
    )
    op.execute(
        "CREATE UNIQUE INDEX audit_signing_keys_one_active_key ON audit_signing_keys ((true)) WHERE retired_at IS NULL"
    )
    op.create_index(
        "events_sign_up_id_idx",
        "events",
        [sa.text("(data ->> 'sign_up_id')")],
        postgresql_where=sa.text("type = 'sign_up.requested'"),
    )
    # A trigger waits for whoever is writing and has others wait. So what is read below has all that commits without
    # one, however many nodes go on meanwhile (X11).
    for statement in (_QUEUE, _TRIGGER, _ERASE, _ERASED, _DROP):
        op.execute(statement)
    op.execute(
        "INSERT INTO audit_erasures (user_id, erased_at)"
        " SELECT user_id, max(occurred_at) FROM events WHERE type = 'user.deleted' AND user_id IS NOT NULL"
        " GROUP BY user_id ON CONFLICT DO NOTHING"
    )
    op.execute("INSERT INTO audit_queue SELECT position FROM events ON CONFLICT DO NOTHING")


def downgrade() -> None:
    """The log is lost; the record of events stays."""
    op.execute("DROP FUNCTION audit_drop_before")
    op.execute("DROP TRIGGER users_erased ON users")
    op.execute("DROP FUNCTION audit_erase_user")
    op.execute("DROP TRIGGER events_queued ON events")
    op.execute("DROP FUNCTION audit_queue_event")
    op.drop_index("events_sign_up_id_idx", "events")
    for table in (
        "audit_signing_keys",
        "audit_erasures",
        "audit_keys",
        "audit_heads",
        "audit_entries",
        "audit_queue",
    ):
        op.drop_table(table)
