"""The audit log is only ever added to: its owner is refused as well, but through the function that keeps its term."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Whoever owns a table can take its triggers away. This stands against a slip and a statement that was injected into a
# migration; what was done deliberately is found by the chain.
_REFUSE = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    callers text;
BEGIN
    GET DIAGNOSTICS callers = PG_CONTEXT;
    IF strpos(callers, 'audit_drop_before(') = 0 THEN
        RAISE insufficient_privilege USING MESSAGE = 'the audit log is only added to';
    END IF;
    RETURN NULL;
END
$$
"""
_TRIGGERS = {
    "audit_entries": "UPDATE OR DELETE OR TRUNCATE",
    # When a head was written off the host is noted beside it, and is no part of what is signed.
    "audit_heads": "UPDATE OF number, body, signature OR DELETE OR TRUNCATE",
}


def upgrade() -> None:
    """A function and a trigger for each of the two tables."""
    op.execute(_REFUSE)
    for table, changes in _TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE {changes} ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
        )


def downgrade() -> None:
    """The owner may change the log again."""
    for table in _TRIGGERS:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute("DROP FUNCTION audit_refuse_change")
