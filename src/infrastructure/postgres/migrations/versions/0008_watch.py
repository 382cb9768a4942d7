"""What runs and what it sees, how sign-ins usually go, and when lists of stolen passwords are tried."""

import sqlalchemy as sa
from advanced_alchemy.types import DateTimeUTC
from alembic import op
from sqlalchemy.dialects.postgresql import INET, JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three tables, and an index over the sign-ins among the events."""
    op.create_index(
        "events_sign_ins_idx",
        "events",
        ["occurred_at"],
        postgresql_where=sa.text("type IN ('log_in.failed', 'session.started')"),
    )
    op.create_table(
        "processes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("serves", sa.Boolean(), nullable=False, comment="whether it answers requests"),
        sa.Column("works", sa.Boolean(), nullable=False, comment="whether it delivers what is in the outbox"),
        sa.Column("started_at", DateTimeUTC(), nullable=False),
        sa.Column("seen_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "clock_ahead", sa.Float(53), nullable=False, comment="seconds that its clock is ahead of the database's"
        ),
        sa.Column("public_url", sa.Text(), nullable=False),
        sa.Column("sightings", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("processes_pkey")),
    )
    op.create_index(op.f("processes_seen_at_idx"), "processes", ["seen_at"])
    op.create_table(
        "sign_in_periods",
        sa.Column("began_at", DateTimeUTC(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("sources", sa.Integer(), nullable=False, comment="that failed"),
        sa.Column("accounts", sa.Integer(), nullable=False, comment="that were tried and failed"),
        sa.PrimaryKeyConstraint("began_at", name=op.f("sign_in_periods_pkey")),
    )
    op.create_table(
        "stuffing_episodes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "subject",
            sa.LargeBinary(),
            nullable=False,
            comment="the limits' digest of its source; empty for all sources",
        ),
        sa.Column("source", INET(), comment="an address, of IPv6 the /64"),
        sa.Column("began_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", DateTimeUTC()),
        sa.Column("failed", sa.Integer(), nullable=False, comment="in the ten minutes when most failed"),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("sources", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('one_source', 'many_sources')", name=op.f("stuffing_episodes_kind_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("stuffing_episodes_pkey")),
    )
    op.create_index(
        "stuffing_episodes_one_open_key",
        "stuffing_episodes",
        ["subject"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("stuffing_episodes_began_at_idx"), "stuffing_episodes", ["began_at"])


def downgrade() -> None:
    """What is usual here has to be learnt anew."""
    op.drop_table("stuffing_episodes")
    op.drop_table("sign_in_periods")
    op.drop_table("processes")
    op.drop_index("events_sign_ins_idx", "events")
