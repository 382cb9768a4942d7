"""What leaves the audit log is bounded whatever the function is called with, and found without reading all there is."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_HEAD_AT = "(body::jsonb ->> 'at')"
_MONTH = "length(owner) = 7"

_REPLACE = """
CREATE OR REPLACE FUNCTION audit_drop_before(p_sequence bigint, p_before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    expired text := to_char(p_before AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    dropped bigint;
    has_young boolean;
    sign_ups uuid[];
    oldest text;
BEGIN
    {keeps_its_term}
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
    DELETE FROM audit_keys WHERE {of_a_month};
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
# Nothing, and times that are none or of before our era, are no times to be compared as text. Of 720 hours one is for
# clocks that differ; days would be those of the server's time zone.
_BOUNDED = """
    IF (p_before BETWEEN '1970-01-01T00:00:00Z' AND now() - interval '719 hours') IS NOT TRUE THEN
        RAISE EXCEPTION 'the audit log keeps at least 30 days';
    END IF;
""".strip()
_AS_BEFORE = """
    IF p_before > now() - interval '30 days' THEN
        RAISE EXCEPTION 'the audit log keeps at least 30 days';
    END IF;
""".strip()


def upgrade() -> None:
    """One function anew, and two indexes for what it and its caller look for."""
    op.execute(_REPLACE.format(keeps_its_term=_BOUNDED, of_a_month=f"{_MONTH} AND owner < oldest"))
    op.create_index("audit_heads_sequence_at_idx", "audit_heads", ["sequence", sa.text(_HEAD_AT)])
    op.drop_index(op.f("audit_heads_sequence_idx"), "audit_heads")
    op.create_index("audit_keys_month_idx", "audit_keys", ["owner"], postgresql_where=sa.text(_MONTH))


def downgrade() -> None:
    """As it was."""
    op.drop_index("audit_keys_month_idx", "audit_keys")
    op.create_index(op.f("audit_heads_sequence_idx"), "audit_heads", ["sequence"])
    op.drop_index("audit_heads_sequence_at_idx", "audit_heads")
    months = 'owner ~ \'^[0-9]{4}-[0-9]{2}$\' AND owner COLLATE "C" < oldest COLLATE "C"'
    op.execute(_REPLACE.format(keeps_its_term=_AS_BEFORE, of_a_month=months))
