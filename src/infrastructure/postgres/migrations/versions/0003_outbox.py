"""The outbox: what subscribers have still to be told of the record of events."""

import sqlalchemy as sa
from advanced_alchemy.types import DateTimeUTC
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table. What was recorded before stays untold: nobody waits for mail about last year."""
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("event_position", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Uuid(), comment="the event's: those of one user are delivered in order"),
        sa.Column("created_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("claim", sa.Uuid(), comment="of the worker that is at it"),
        sa.Column("claimed_until", DateTimeUTC()),
        sa.Column("parked_at", DateTimeUTC(), comment="given up, until an operator says otherwise"),
        sa.Column("last_error", sa.Text()),
        sa.ForeignKeyConstraint(["event_position"], ["events.position"], name=op.f("deliveries_event_position_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("deliveries_pkey")),
    )
    waiting = sa.text("parked_at IS NULL")
    op.create_index("deliveries_due_at_id_idx", "deliveries", ["due_at", "id"], postgresql_where=waiting)
    op.create_index(
        "deliveries_subscriber_user_id_id_idx", "deliveries", ["subscriber", "user_id", "id"], postgresql_where=waiting
    )
    op.create_index(op.f("deliveries_event_position_idx"), "deliveries", ["event_position"])


def downgrade() -> None:
    """What was not delivered is not."""
    op.drop_table("deliveries")
