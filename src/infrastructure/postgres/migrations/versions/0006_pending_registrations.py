"""Sign-ups that wait until their address is proven."""

import sqlalchemy as sa
from advanced_alchemy.types import DateTimeUTC
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table."""
    op.create_table(
        "pending_registrations",
        sa.Column("id", sa.Uuid(), nullable=False, comment="of the account to be"),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_canonical", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_canonical", sa.Text(), nullable=False),
        sa.Column("username_digest", sa.LargeBinary(), nullable=False, comment="of its row in reserved_usernames"),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text()),
        sa.Column("family_name", sa.Text()),
        sa.Column("display_name", sa.Text()),
        sa.Column("phone_number", sa.Text()),
        sa.Column("locale", sa.Text()),
        sa.Column("zoneinfo", sa.Text()),
        sa.Column("photo_id", sa.Text()),
        sa.Column("token_digests", ARRAY(sa.LargeBinary()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", DateTimeUTC(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pending_registrations_pkey")),
    )
    op.create_index(
        "pending_registrations_token_digests_idx", "pending_registrations", ["token_digests"], postgresql_using="gin"
    )
    op.create_index(op.f("pending_registrations_expires_at_idx"), "pending_registrations", ["expires_at"])


def downgrade() -> None:
    """Whoever waits signs up again; the names they have reserved are free."""
    op.execute(
        "DELETE FROM reserved_usernames AS r USING pending_registrations AS p WHERE r.digest = p.username_digest"
    )
    op.execute(
        "INSERT INTO unowned_photos (id) SELECT photo_id FROM pending_registrations WHERE photo_id IS NOT NULL"
        " ON CONFLICT DO NOTHING"
    )
    op.drop_table("pending_registrations")
