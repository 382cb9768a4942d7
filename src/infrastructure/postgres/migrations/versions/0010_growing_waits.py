"""How many failures there were in a row, by which waits grow."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column; a default that is a constant rewrites no row."""
    op.add_column(
        "rate_limits",
        sa.Column(
            "failures",
            sa.SmallInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="in a row, where waits grow",
        ),
    )


def downgrade() -> None:
    """Waits do not grow any more. What only they held back is let go."""
    op.drop_column("rate_limits", "failures")
