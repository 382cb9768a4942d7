"""Photos, usernames that stay reserved, one-time tokens, idempotency keys, devices, and indexes for the purge."""

import sqlalchemy as sa
from advanced_alchemy.types import DateTimeUTC
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns that have a default or none to have, and tables: the version before runs on beside it."""
    op.add_column("users", sa.Column("photo_id", sa.Text(), comment="what the photo's address ends in"))
    op.add_column(
        "users",
        sa.Column(
            "username_changed_at",
            postgresql.ARRAY(DateTimeUTC()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="the last changes of the username, the newest last",
        ),
    )
    op.create_index(
        "users_photo_id_key", "users", ["photo_id"], unique=True, postgresql_where=sa.text("photo_id IS NOT NULL")
    )
    op.add_column("sessions", sa.Column("device", sa.Text()))
    op.create_index("sessions_ended_at_idx", "sessions", ["ended_at"], postgresql_where=sa.text("ended_at IS NOT NULL"))
    op.create_index("sessions_expires_at_idx", "sessions", ["expires_at"])
    op.create_index(
        "events_user_id_position_idx",
        "events",
        ["user_id", "position"],
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    _create_tables_about_users()
    op.create_table(
        "unowned_photos",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("since", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("unowned_photos_pkey")),
    )
    op.create_index(op.f("unowned_photos_since_idx"), "unowned_photos", ["since"])
    op.create_table(
        "idempotency_keys",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="keyed digest of the key"),
        sa.Column("request", sa.LargeBinary(), nullable=False, comment="keyed digest of the decoded fields"),
        sa.Column("claim", sa.Uuid(), nullable=False, comment="which of several attempts holds it"),
        sa.Column("status", sa.Integer(), comment="of the answer, once there is one"),
        sa.Column("user_id", sa.Uuid(), comment="whom the answer is about"),
        sa.Column("created_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("idempotency_keys_pkey")),
    )
    op.create_index(op.f("idempotency_keys_created_at_idx"), "idempotency_keys", ["created_at"])
    op.create_table(
        "data_keys",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("data_keys_pkey")),
    )


def _create_tables_about_users() -> None:
    op.create_table(
        "reserved_usernames",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="keyed digest of the canonical form"),
        sa.Column("user_id", sa.Uuid(), comment="who alone may have it"),
        sa.Column("reserved_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("reserved_usernames_user_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("reserved_usernames_pkey")),
    )
    op.create_index(op.f("reserved_usernames_user_id_idx"), "reserved_usernames", ["user_id"])
    op.create_table(
        "one_time_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token"),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email_canonical", sa.Text(), nullable=False, comment="the address that it was made for"),
        sa.Column("created_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("one_time_tokens_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("one_time_tokens_pkey")),
    )
    op.create_index(op.f("one_time_tokens_user_id_purpose_idx"), "one_time_tokens", ["user_id", "purpose"])
    op.create_index(op.f("one_time_tokens_expires_at_idx"), "one_time_tokens", ["expires_at"])


def downgrade() -> None:
    """Photos lose their owners, and their files stay in the store."""
    for table in (
        "data_keys", "idempotency_keys", "unowned_photos", "one_time_tokens", "reserved_usernames",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_index("events_user_id_position_idx", table_name="events")
    op.drop_index("sessions_expires_at_idx", table_name="sessions")
    op.drop_index("sessions_ended_at_idx", table_name="sessions")
    op.drop_column("sessions", "device")
    op.drop_index("users_photo_id_key", table_name="users")
    op.drop_column("users", "username_changed_at")
    op.drop_column("users", "photo_id")
