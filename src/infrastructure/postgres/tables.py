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
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    SmallInteger,
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
    Column("photo_id", Text, comment="what the photo's address ends in"),
    Column(
        "username_changed_at",
        ARRAY(DateTimeUTC),
        nullable=False,
        server_default=text("'{}'"),
        comment="the last changes of the username, the newest last",
    ),
    Index("users_photo_id_key", "photo_id", unique=True, postgresql_where=text("photo_id IS NOT NULL")),
)

reserved_usernames = Table(
    "reserved_usernames",
    metadata,
    # Every username that somebody has or had. It is never released, so whoever takes one runs into its row: no time
    # lies between giving up and being reserved in which another could take it.
    Column("digest", LargeBinary, primary_key=True, comment="keyed digest of the canonical form"),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="SET NULL"), comment="who alone may have it"),
    Column("reserved_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Index(None, "user_id"),
)

unowned_photos = Table(
    "unowned_photos",
    metadata,
    # Every photo that may have files in the store and belongs to nobody: not yet, or not any more.
    Column("id", Text, primary_key=True),
    Column("since", DateTimeUTC, nullable=False, server_default=func.now()),
    Index(None, "since"),
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
    Column("device", Text),
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
    # For lists and for making room, which must not walk through all that a user has ended.
    Index("sessions_not_ended_idx", "user_id", text("created_at DESC"), postgresql_where=text("ended_at IS NULL")),
    # For the purge. What a refresh moves, the idle end, has none: rows that are past that are found by a walk.
    Index("sessions_ended_at_idx", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    Index("sessions_expires_at_idx", "expires_at"),
    postgresql_with={"fillfactor": 80},
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the token"),
    Column("purpose", Text, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("email_canonical", Text, nullable=False, comment="the address that it was made for"),
    Column("created_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("expires_at", DateTimeUTC, nullable=False),
    Index(None, "user_id", "purpose"),
    Index(None, "expires_at"),
)

email_changes = Table(
    "email_changes",
    metadata,
    # The address that an account is to have once it is proven; one an account.
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_canonical", Text, nullable=False),
    Column("requested_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Index(None, "requested_at"),
)

former_emails = Table(
    "former_emails",
    metadata,
    # The proven addresses that accounts had before, for as long as whoever has one can freeze the account.
    Column("id", Uuid, primary_key=True, comment="of the change that replaced it"),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("email", Text, nullable=False),
    Column("email_canonical", Text, nullable=False),
    Column("replaced_at", DateTimeUTC, nullable=False),
    Index(None, "user_id"),
    Index(None, "replaced_at"),
)

pending_registrations = Table(
    "pending_registrations",
    metadata,
    # Sign-ups with an address that is free or taken alike; the username of each is reserved, by nobody.
    Column("id", Uuid, primary_key=True, comment="of the account to be"),
    Column("email", Text, nullable=False),
    Column("email_canonical", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("username_canonical", Text, nullable=False),
    Column("username_digest", LargeBinary, nullable=False, comment="of its row in reserved_usernames"),
    Column("password_hash", Text, nullable=False),
    Column("given_name", Text),
    Column("family_name", Text),
    Column("display_name", Text),
    Column("phone_number", Text),
    Column("locale", Text),
    Column("zoneinfo", Text),
    Column("photo_id", Text),
    Column("token_digests", ARRAY(LargeBinary), nullable=False, server_default=text("'{}'")),
    Column("created_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("expires_at", DateTimeUTC, nullable=False),
    Index("pending_registrations_token_digests_idx", "token_digests", postgresql_using="gin"),
    Index(None, "expires_at"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="keyed digest of the key"),
    Column("request", LargeBinary, nullable=False, comment="keyed digest of the decoded fields"),
    Column("claim", Uuid, nullable=False, comment="which of several attempts holds it"),
    Column("status", Integer, comment="of the answer, once there is one"),
    Column("user_id", Uuid, comment="whom the answer is about"),
    Column("created_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Index(None, "created_at"),
)

data_keys = Table(
    "data_keys",
    metadata,
    # Keys that must outlive every change of the secret key, sealed by it.
    Column("purpose", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", DateTimeUTC, nullable=False, server_default=func.now()),
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
    # For those who watch how sign-ins go, by the latest of them.
    Index(
        "events_sign_ins_idx",
        "occurred_at",
        postgresql_where=text("type IN ('log_in.failed', 'session.started')"),
    ),
    # That of the sign-up which became an account, and names no user.
    Index(
        "events_sign_up_id_idx", text("(data ->> 'sign_up_id')"), postgresql_where=text("type = 'sign_up.requested'")
    ),
    # For the export of an account and its deletion; most of what strangers cause has no user.
    Index("events_user_id_position_idx", "user_id", "position", postgresql_where=text("user_id IS NOT NULL")),
)

deliveries = Table(
    "deliveries",
    metadata,
    # What one subscriber has still to be told; a row goes when it has been.
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subscriber", Text, nullable=False),
    Column("event_position", BigInteger, ForeignKey("events.position"), nullable=False),
    Column("user_id", Uuid, comment="the event's: those of one user are delivered in order"),
    Column("created_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("due_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("claim", Uuid, comment="of the worker that is at it"),
    Column("claimed_until", DateTimeUTC),
    Column("parked_at", DateTimeUTC, comment="given up, until an operator says otherwise"),
    Column("last_error", Text),
    Index("deliveries_due_at_id_idx", "due_at", "id", postgresql_where=text("parked_at IS NULL")),
    Index(
        "deliveries_subscriber_user_id_id_idx",
        "subscriber",
        "user_id",
        "id",
        postgresql_where=text("parked_at IS NULL"),
    ),
    Index(None, "event_position"),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("subject", LargeBinary, primary_key=True, comment="keyed digest, or the id of an account"),
    Column("arrival_at", DateTimeUTC, nullable=False, comment="GCRA's theoretical arrival time"),
    Column("failures", SmallInteger, nullable=False, server_default=text("0"), comment="in a row, where waits grow"),
    Column("admitted", Boolean, nullable=False, comment="whether the last attempt was"),
    # No further index: every attempt moves arrival_at, and stays a HOT update this way.
    postgresql_with={"fillfactor": 70},
)

processes = Table(
    "processes",
    metadata,
    # What runs, and what it has seen lately of who is asking: for whoever looks from elsewhere.
    Column("id", Uuid, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("serves", Boolean, nullable=False, comment="whether it answers requests"),
    Column("works", Boolean, nullable=False, comment="whether it delivers what is in the outbox"),
    Column("started_at", DateTimeUTC, nullable=False),
    Column("seen_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("clock_ahead", Float(53), nullable=False, comment="seconds that its clock is ahead of the database's"),
    Column("public_url", Text, nullable=False),
    Column("sightings", JSONB, nullable=False),
    Index(None, "seen_at"),
)

sign_in_periods = Table(
    "sign_in_periods",
    metadata,
    # How sign-ins went in each ten minutes: what is usual here.
    Column("began_at", DateTimeUTC, primary_key=True),
    Column("succeeded", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("sources", Integer, nullable=False, comment="that failed"),
    Column("accounts", Integer, nullable=False, comment="that were tried and failed"),
)

stuffing_episodes = Table(
    "stuffing_episodes",
    metadata,
    # Times in which lists of stolen passwords were tried here; open for as long as ended_at is not set.
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", LargeBinary, nullable=False, comment="the limits' digest of its source; empty for all sources"),
    Column("source", INET, comment="an address, of IPv6 the /64"),
    Column("began_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("seen_at", DateTimeUTC, nullable=False, server_default=func.now()),
    Column("ended_at", DateTimeUTC),
    Column("failed", Integer, nullable=False, comment="in the ten minutes when most failed"),
    Column("accounts", Integer, nullable=False),
    Column("sources", Integer, nullable=False),
    CheckConstraint("kind IN ('one_source', 'many_sources')", name="kind"),
    Index("stuffing_episodes_one_open_key", "subject", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index(None, "began_at"),
)
