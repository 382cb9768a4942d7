"""The first schema: accounts, credentials, sessions, signing keys, events, limits."""

import sqlalchemy as sa
from advanced_alchemy.types import DateTimeUTC
from alembic import op
from sqlalchemy.dialects import postgresql

from infrastructure.postgres.tables import TransactionId

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Accounts, credentials, sessions, signing keys, events and limits."""
    op.create_table(
        "events",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", TransactionId(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("occurred_at", DateTimeUTC(), server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), comment="no foreign key: the record outlives the account"),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("request_id", sa.Text()),
        sa.Column("ip_address", postgresql.INET()),
        sa.Column("user_agent", sa.Text()),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("events_pkey")),
    )
    op.create_index("events_transaction_id_position_idx", "events", ["transaction_id", "position"], unique=False)
    op.create_table(
        "rate_limits",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False, comment="keyed digest, or the id of an account"),
        sa.Column("arrival_at", DateTimeUTC(), nullable=False, comment="GCRA's theoretical arrival time"),
        sa.Column("admitted", sa.Boolean(), nullable=False, comment="whether the last attempt was"),
        sa.PrimaryKeyConstraint("rule", "subject", name=op.f("rate_limits_pkey")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("activated_at", DateTimeUTC()),
        sa.Column("retired_at", DateTimeUTC()),
        sa.CheckConstraint("state IN ('next', 'active', 'retired', 'revoked')", name=op.f("signing_keys_state_check")),
        sa.PrimaryKeyConstraint("kid", name=op.f("signing_keys_pkey")),
    )
    op.create_index(
        "signing_keys_one_active_key",
        "signing_keys",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_canonical", sa.Text(), nullable=False),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_canonical", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text()),
        sa.Column("family_name", sa.Text()),
        sa.Column("display_name", sa.Text()),
        sa.Column("phone_number", sa.Text()),
        sa.Column("locale", sa.Text()),
        sa.Column("zoneinfo", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("authz_epoch", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("updated_at", DateTimeUTC(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'disabled')", name=op.f("users_status_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("email_canonical", name=op.f("users_email_canonical_key")),
        sa.UniqueConstraint("username_canonical", name=op.f("users_username_canonical_key")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False, comment="of a password: its PHC string"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("updated_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("credentials_user_id_fkey"), ondelete="CASCADE"),
        sa.CheckConstraint("kind IN ('password')", name=op.f("credentials_kind_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("credentials_pkey")),
    )
    op.create_index(
        "credentials_one_password_key",
        "credentials",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'password'"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("auth_time", DateTimeUTC(), nullable=False),
        sa.Column("amr", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("acr", sa.Text()),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text()),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("last_used_at", DateTimeUTC(), nullable=False),
        sa.Column("idle_lifetime", sa.Interval(), nullable=False),
        sa.Column("idle_expires_at", DateTimeUTC(), nullable=False),
        sa.Column("expires_at", DateTimeUTC(), nullable=False),
        sa.Column("ip_address", postgresql.INET()),
        sa.Column("user_agent", sa.Text()),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column(
            "refresh_digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the current refresh token's secret"
        ),
        sa.Column(
            "refresh_sealed", sa.LargeBinary(), comment="that secret, readable with the secret of the token before"
        ),
        sa.Column("rotated_at", DateTimeUTC()),
        sa.Column("previous_rotated_at", DateTimeUTC()),
        sa.Column("late", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("previous_late", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("ended_at", DateTimeUTC()),
        sa.Column("end_reason", sa.Text()),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("sessions_end_has_reason_check")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("sessions_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("sessions_pkey")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "sessions_user_id_created_at_idx", "sessions", ["user_id", sa.literal_column("created_at DESC")], unique=False
    )


def downgrade() -> None:
    """Nothing of ours is left."""
    op.drop_index("sessions_user_id_created_at_idx", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(
        "credentials_one_password_key", table_name="credentials", postgresql_where=sa.text("kind = 'password'")
    )
    op.drop_table("credentials")
    op.drop_table("users")
    op.drop_index(
        "signing_keys_one_active_key", table_name="signing_keys", postgresql_where=sa.text("state = 'active'")
    )
    op.drop_table("signing_keys")
    op.drop_table("rate_limits")
    op.drop_index("events_transaction_id_position_idx", table_name="events")
    op.drop_table("events")
