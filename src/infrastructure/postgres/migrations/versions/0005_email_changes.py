"""Changes of address: what an account is to be reached at, and what it was reached at until lately."""

import sqlalchemy as sa
from advanced_alchemy.types import DateTimeUTC
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables, empty."""
    op.create_table(
        "email_changes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_canonical", sa.Text(), nullable=False),
        sa.Column("requested_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("email_changes_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("email_changes_pkey")),
    )
    op.create_index(op.f("email_changes_requested_at_idx"), "email_changes", ["requested_at"])
    op.create_table(
        "former_emails",
        sa.Column("id", sa.Uuid(), nullable=False, comment="of the change that replaced it"),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_canonical", sa.Text(), nullable=False),
        sa.Column("replaced_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("former_emails_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("former_emails_pkey")),
    )
    op.create_index(op.f("former_emails_user_id_idx"), "former_emails", ["user_id"])
    op.create_index(op.f("former_emails_replaced_at_idx"), "former_emails", ["replaced_at"])


def downgrade() -> None:
    """Changes that wait to be proven are off, and those that were made cannot be undone any more."""
    op.drop_table("former_emails")
    op.drop_table("email_changes")
