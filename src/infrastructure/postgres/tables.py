"""The tables. Constraints and unique indexes carry the rules, so that two requests at once cannot break them (X13).

No extension and no ICU collation: the schema runs on every PostgreSQL from 15 on.
"""

from typing import Any

from advanced_alchemy.types import DateTimeUTC
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB
from sqlalchemy.types import UserDefinedType

from domain.accounts.user import UserStatus
from domain.credentials.password import CredentialKind


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's ``xid8``: a transaction id that never wraps."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "xid8"


def _one_of(column: str, values: type[UserStatus] | type[CredentialKind]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_canonical", Text, nullable=False, unique=True),
    Column("email_verified", Boolean, nullable=False),
    Column("username", Text, nullable=False),
    Column("username_canonical", Text, nullable=False, unique=True),
    Column("given_name", Text),
    Column("family_name", Text),
    Column("display_name", Text),
    Column("phone_number", Text),
    Column("locale", Text),
    Column("zoneinfo", Text),
    Column("status", Text, CheckConstraint(_one_of("status", UserStatus), name="status"), nullable=False),
    Column("authz_epoch", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTimeUTC, nullable=False),
    Column("updated_at", DateTimeUTC, nullable=False),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, CheckConstraint(_one_of("kind", CredentialKind), name="kind"), nullable=False),
    Column("secret", Text, nullable=False, comment="of a password: its PHC string"),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTimeUTC, nullable=False),
    Column("updated_at", DateTimeUTC, nullable=False),
    Index("credentials_one_password_key", "user_id", unique=True, postgresql_where=text("kind = 'password'")),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("auth_time", DateTimeUTC, nullable=False),
    Column("amr", ARRAY(Text), nullable=False),
    Column("acr", Text),
    Column("client_id", Text, nullable=False),
    Column("scope", Text),
    Column("created_at", DateTimeUTC, nullable=False),
    Column("last_used_at", DateTimeUTC, nullable=False),
    Column("idle_lifetime", Interval, nullable=False),
    Column("idle_expires_at", DateTimeUTC, nullable=False),
    Column("expires_at", DateTimeUTC, nullable=False),
    Column("ip_address", INET),
    Column("user_agent", Text),
    Column("generation", BigInteger, nullable=False),
    Column("refresh_digest", LargeBinary, nullable=False, comment="SHA-256 of the current refresh token's secret"),
    Column("refresh_sealed", LargeBinary, comment="that secret, readable with the secret of the token before"),
    Column("rotated_at", DateTimeUTC),
    Column("previous_rotated_at", DateTimeUTC),
    Column("late", Boolean, nullable=False, server_default=text("false")),
    Column("previous_late", Boolean, nullable=False, server_default=text("false")),
    Column("ended_at", DateTimeUTC),
    Column("end_reason", Text),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end_has_reason"),
    # Nothing that a refresh writes is indexed, and pages keep room: rotations are HOT updates.
    Index("sessions_user_id_created_at_idx", "user_id", text("created_at DESC")),
    postgresql_with={"fillfactor": 80},
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("public_jwk", JSONB, nullable=False),
    Column("sealed_private_key", LargeBinary, nullable=False),
    Column("created_at", DateTimeUTC, nullable=False),
    Column("activated_at", DateTimeUTC),
    Column("retired_at", DateTimeUTC),
    CheckConstraint("state IN ('next', 'active', 'retired', 'revoked')", name="state"),
    Index("signing_keys_one_active_key", "state", unique=True, postgresql_where=text("state = 'active'")),
)

events = Table(
    "events",
    metadata,
    # A reader that follows the log takes rows with transaction_id < pg_snapshot_xmin(pg_current_snapshot()), in
    # the order (transaction_id, position): one that commits late is then never skipped.
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("transaction_id", TransactionId, nullable=False, server_default=func.pg_current_xact_id()),
    Column("id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("user_id", Uuid, comment="no foreign key: the record outlives the account"),
    Column("session_id", Uuid),
    Column("request_id", Text),
    Column("ip_address", INET),
    Column("user_agent", Text),
    Column("data", JSONB, nullable=False),
    Index("events_transaction_id_position_idx", "transaction_id", "position"),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("subject", LargeBinary, primary_key=True, comment="keyed digest, or the id of an account"),
    Column("arrival_at", DateTimeUTC, nullable=False, comment="GCRA's theoretical arrival time"),
    Column("admitted", Boolean, nullable=False, comment="whether the last attempt was"),
    # No further index: every attempt moves arrival_at, and stays a HOT update this way.
    postgresql_with={"fillfactor": 70},
)
