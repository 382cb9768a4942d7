"""As many sessions as a user may have: a function that ends those beyond, and an index of those not ended."""

from alembic import op
from sqlalchemy import literal_column, text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A function, because it has to see more than the statement that calls it: a volatile one sees whatever has been
# committed until it is called. A sign-in calls it once it holds the lock that the user's other sign-ins wait for.
_FUNCTION = """
CREATE FUNCTION end_sessions_beyond(whose uuid, newest uuid, at_most integer, reason text)
RETURNS SETOF uuid LANGUAGE sql VOLATILE AS $$
    UPDATE sessions SET ended_at = now(), end_reason = reason
    WHERE ended_at IS NULL AND id IN (
        SELECT s.id FROM sessions AS s
        WHERE s.user_id = whose AND s.id <> newest
            AND s.ended_at IS NULL AND s.idle_expires_at > now() AND s.expires_at > now()
        ORDER BY s.last_used_at DESC, s.id DESC
        OFFSET at_most - 1
    )
    RETURNING id
$$
"""


def upgrade() -> None:
    """A function, and an index that stays as small as what is live, however much has ended."""
    op.execute(_FUNCTION)
    op.create_index(
        "sessions_not_ended_idx",
        "sessions",
        ["user_id", literal_column("created_at DESC")],
        postgresql_where=text("ended_at IS NULL"),
    )


def downgrade() -> None:
    """Users may have as many sessions as they like again."""
    op.drop_index("sessions_not_ended_idx", table_name="sessions")
    op.execute("DROP FUNCTION end_sessions_beyond")
