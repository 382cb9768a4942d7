"""The ports' implementations, and what each is made of. Everything is made without waiting."""

import os
from collections.abc import Callable
from pathlib import Path

from dependency_injector import containers, providers

from application.sessions.ports import LogInAttempts
from bootstrap.audit import head_publishers_of
from bootstrap.breached_passwords import breached_passwords_of
from bootstrap.limits import rate_limits_of
from bootstrap.mail import mail_writer_of, mailer_of
from bootstrap.settings import Settings
from bootstrap.stuffing import slowed_attempts
from bootstrap.subscribers import subscriptions_for
from domain.sessions.events import LOG_IN_LIMITED, ended_topics
from domain.sessions.session import EndReason
from domain.stuffing.events import RECOGNISED
from infrastructure.audit.keys import AuditKeyWrap
from infrastructure.audit.personal import AesGcmPersonalCipher
from infrastructure.clock import DatabaseClock
from infrastructure.devices import UaParserDeviceDescriber
from infrastructure.identifiers import parse_email_address
from infrastructure.ids import new_id, new_photo_id
from infrastructure.locales import parse_locale
from infrastructure.metrics.exposition import OwnFigures, PrometheusMetrics
from infrastructure.metrics.shared_folder import SharedFolder
from infrastructure.passwords.argon2 import Argon2Parameters, Argon2Scheme
from infrastructure.passwords.bcrypt import BcryptScheme
from infrastructure.passwords.hasher import PooledPasswordHasher
from infrastructure.passwords.hashing_pool import HashingPool
from infrastructure.passwords.strength import ZxcvbnStrengthEstimator
from infrastructure.phone_numbers import parse_phone_number
from infrastructure.photos.renderer import PillowPhotoRenderer
from infrastructure.photos.store_url import photo_store
from infrastructure.postgres.accounts import PostgresRegistrations
from infrastructure.postgres.archive import PostgresArchive
from infrastructure.postgres.audit_backlog import PostgresAuditBacklog
from infrastructure.postgres.audit_erasures import PostgresErasures
from infrastructure.postgres.audit_keys import AuditKeys
from infrastructure.postgres.audit_ledger import PostgresAuditLedger
from infrastructure.postgres.audit_trail import PostgresAuditTrail
from infrastructure.postgres.data_keys import PostgresDataKeyStore
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.device_history import PostgresDeviceHistory
from infrastructure.postgres.email_changes import PostgresEmailChanges
from infrastructure.postgres.events import CHANNEL, subscribers_of
from infrastructure.postgres.limit_notices import LimitNotices
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.log_in_attempts import PostgresLogInAttempts
from infrastructure.postgres.mail_allowance import PostgresMailAllowance
from infrastructure.postgres.notifications import PostgresNotifications
from infrastructure.postgres.notifier import Notifier
from infrastructure.postgres.one_time_tokens import PostgresOneTimeTokenRepository
from infrastructure.postgres.outbox import PostgresOutbox
from infrastructure.postgres.outbox_backlog import PostgresOutboxBacklog
from infrastructure.postgres.outbox_desk import PostgresOutboxDesk
from infrastructure.postgres.photos import PostgresPhotoLedger
from infrastructure.postgres.processes import PostgresProcesses
from infrastructure.postgres.readiness import PostgresReadiness
from infrastructure.postgres.reauthentications import PostgresReauthentications
from infrastructure.postgres.recovery_requests import PostgresRecoveryRequests
from infrastructure.postgres.session_ends import PostgresSessionEnds
from infrastructure.postgres.sessions import PostgresSessionRepository
from infrastructure.postgres.sign_up_confirmations import PostgresSignUpConfirmations
from infrastructure.postgres.sign_ups import PostgresSignUps
from infrastructure.postgres.signing_key_ledger import PostgresSigningKeyLedger
from infrastructure.postgres.signing_keys import PostgresSigningKeyStore
from infrastructure.postgres.slowdowns import Slowdowns
from infrastructure.postgres.stuffing import PostgresStuffingRecord
from infrastructure.postgres.unit_of_work import PostgresUnitOfWorkFactory
from infrastructure.postgres.user_directory import PostgresUserDirectory
from infrastructure.postgres.usernames import PostgresUsernameHistory
from infrastructure.signup_turns import AsyncioSignupTurns
from infrastructure.time_zones import time_zones
from infrastructure.tokens.access_token_verifier import JwtAccessTokenVerifier
from infrastructure.tokens.access_tokens import JwtAccessTokenIssuer, SessionClaims
from infrastructure.tokens.data_keys import DataKey
from infrastructure.tokens.device_tokens import DeviceTokenCodec
from infrastructure.tokens.key_ring import KeyRing
from infrastructure.tokens.key_rotation import KeyRotation
from infrastructure.tokens.one_time_tokens import OpaqueOneTimeTokenCodec
from infrastructure.tokens.refresh_tokens import RefreshTokenCodec
from infrastructure.tokens.secret_keys import SecretKeys
from infrastructure.tokens.verified_tokens import CachingAccessTokenVerifier


def _database_options(settings: Settings) -> DatabaseOptions:
    if settings.database_url is None:
        raise ValueError("the embedded database is started before the container is made")
    return DatabaseOptions(
        url=settings.database_url,
        pool_size=settings.database_pool_size,
        start_timeout=settings.database_start_timeout.total_seconds(),
        pgbouncer=settings.database_pgbouncer,
    )


def _hashing_pool(settings: Settings, server_processes: int) -> HashingPool:
    """D01: as many checks at once as this process has cores of its own."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = max(1, cores // server_processes)
    return HashingPool(
        workers=settings.hash_workers or share,
        queue_length=settings.hash_queue,
        max_wait=settings.hash_wait.total_seconds(),
    )


def _password_hasher(settings: Settings, pool: HashingPool) -> PooledPasswordHasher:
    argon2 = Argon2Scheme(Argon2Parameters(memory=settings.argon2_memory_kib, passes=settings.argon2_time_cost))
    bcrypt = BcryptScheme(settings.bcrypt_cost)
    chosen, other = (bcrypt, argon2) if settings.password_scheme == "bcrypt" else (argon2, bcrypt)
    return PooledPasswordHasher(pool, chosen, also_read=[other])


def _door(
    database: Database, notices: LimitNotices, device_tokens: DeviceTokenCodec
) -> Callable[[RateLimits], LogInAttempts]:
    return lambda limits: PostgresLogInAttempts(database, limits, notices, device_tokens)


def _metrics(folder: str) -> PrometheusMetrics:
    return PrometheusMetrics(SharedFolder(Path(folder)) if folder else OwnFigures())


class Adapters(containers.DeclarativeContainer):
    """The ports' implementations: PostgreSQL, Argon2, JWT."""

    settings = providers.Dependency(instance_of=Settings)
    server_processes = providers.Dependency(instance_of=int, default=1)
    metrics_folder = providers.Dependency(instance_of=str, default="")

    clock = providers.Singleton(DatabaseClock)
    new_id = providers.Object(new_id)
    new_photo_id = providers.Object(new_photo_id)
    secret_keys = providers.Singleton(SecretKeys, settings.provided.secret_key)

    database = providers.Singleton(Database, providers.Callable(_database_options, settings))
    limits = providers.Singleton(rate_limits_of, settings, secret_keys)
    device_tokens = providers.Singleton(DeviceTokenCodec, secret_keys, settings.provided.device_lifetime)
    data_keys = providers.Singleton(PostgresDataKeyStore, database)
    username_key = providers.Singleton(DataKey, "username/v1", data_keys, secret_keys)
    idempotency_key = providers.Singleton(DataKey, "idempotency/v1", data_keys, secret_keys)
    audit_key = providers.Singleton(DataKey, "audit/v1", data_keys, secret_keys)
    audit_key_wrap = providers.Singleton(AuditKeyWrap, audit_key)
    audit_ledger = providers.Singleton(PostgresAuditLedger, database, providers.Singleton(AuditKeys, audit_key_wrap))
    audit_erasures = providers.Singleton(PostgresErasures, database)
    audit_trail = providers.Singleton(PostgresAuditTrail, database, audit_key_wrap)
    personal_cipher = providers.Singleton(AesGcmPersonalCipher)
    head_publishers = providers.Singleton(head_publishers_of, settings)
    registrations = providers.Singleton(
        PostgresRegistrations, database, limits, username_key.provided.digest, idempotency_key.provided.digest
    )
    signup_turns = providers.Singleton(AsyncioSignupTurns)
    subscriptions = providers.Singleton(subscriptions_for, settings.provided.notices)
    limit_notices = providers.Singleton(
        LimitNotices,
        new_id,
        providers.Callable(subscribers_of, providers.Object([LOG_IN_LIMITED]), subscriptions),
    )
    slowdowns = providers.Singleton(Slowdowns, database)
    attempts = providers.Singleton(
        slowed_attempts,
        settings,
        limits,
        slowdowns,
        providers.Callable(_door, database, limit_notices, device_tokens),
    )
    stuffing_record = providers.Singleton(
        PostgresStuffingRecord,
        database,
        new_id,
        limits,
        providers.Callable(subscribers_of, providers.Object([RECOGNISED]), subscriptions),
    )
    archive = providers.Singleton(PostgresArchive, database, limits)
    reauthentications = providers.Singleton(PostgresReauthentications, database, limits, limit_notices)
    one_time_tokens = providers.Singleton(PostgresOneTimeTokenRepository, database)
    email_changes = providers.Singleton(PostgresEmailChanges, database)
    sign_ups = providers.Singleton(PostgresSignUps, database)
    sign_up_confirmations = providers.Singleton(PostgresSignUpConfirmations, database, limits, limit_notices)
    one_time_token_codec = providers.Singleton(OpaqueOneTimeTokenCodec)
    sessions = providers.Singleton(
        PostgresSessionRepository,
        database,
        new_id,
        providers.Callable(
            subscribers_of, providers.Object(ended_topics(EndReason.REFRESH_TOKEN_REUSED)), subscriptions
        ),
    )
    usernames = providers.Singleton(PostgresUsernameHistory, database)
    photo_ledger = providers.Singleton(PostgresPhotoLedger, database)
    notifier = providers.Singleton(Notifier, database, CHANNEL)
    unit_of_work = providers.Singleton(
        PostgresUnitOfWorkFactory,
        database,
        new_id,
        username_key.provided.digest,
        limits,
        subscriptions,
        notifier.provided.soon,
    )
    outbox = providers.Singleton(PostgresOutbox, database, new_id)
    outbox_desk = providers.Singleton(PostgresOutboxDesk, database)
    deliveries_noted = providers.Singleton(
        PostgresNotifications, providers.Callable(_database_options, settings), CHANNEL
    )
    recovery_requests = providers.Singleton(PostgresRecoveryRequests, database, limits)
    device_history = providers.Singleton(PostgresDeviceHistory, database)
    user_directory = providers.Singleton(PostgresUserDirectory, database)
    readiness = providers.Singleton(PostgresReadiness, database)
    processes = providers.Singleton(PostgresProcesses, database, new_id, settings.provided.public_url)
    session_ends = providers.Singleton(PostgresSessionEnds, database)
    outbox_backlog = providers.Singleton(PostgresOutboxBacklog, database)
    audit_backlog = providers.Singleton(PostgresAuditBacklog, database)
    metrics = providers.Singleton(_metrics, metrics_folder)

    mailer = providers.Singleton(mailer_of, settings, clock)
    mail_writer = providers.Singleton(mail_writer_of, settings)
    mail_allowance = providers.Singleton(PostgresMailAllowance, database, limits)
    hashing_pool = providers.Singleton(_hashing_pool, settings, server_processes)
    hasher = providers.Singleton(_password_hasher, settings, hashing_pool)
    estimator = providers.Singleton(ZxcvbnStrengthEstimator)
    breached_passwords = providers.Singleton(breached_passwords_of, settings.provided.breached_passwords)
    parse_email = providers.Object(parse_email_address)
    devices = providers.Singleton(UaParserDeviceDescriber)
    parse_phone_number = providers.Object(parse_phone_number)
    parse_locale = providers.Object(parse_locale)
    time_zones = providers.Singleton(time_zones)

    photo_renderer = providers.Singleton(PillowPhotoRenderer)
    photo_store = providers.Singleton(photo_store, settings.provided.photo_store_url)

    key_ring = providers.Singleton(KeyRing, providers.Singleton(PostgresSigningKeyStore, database), secret_keys, clock)
    key_rotation = providers.Singleton(
        KeyRotation, providers.Singleton(PostgresSigningKeyLedger, database, new_id), secret_keys
    )
    audience = providers.Callable(lambda settings: settings.audience or settings.public_url, settings)
    issuer = providers.Singleton(
        JwtAccessTokenIssuer,
        ring=key_ring,
        clock=clock,
        claims_source=providers.Singleton(SessionClaims),
        issuer=settings.provided.public_url,
        audience=audience,
        lifetime=settings.provided.access_token_lifetime,
    )
    access_token_verifier = providers.Singleton(
        CachingAccessTokenVerifier,
        providers.Singleton(
            JwtAccessTokenVerifier,
            ring=key_ring,
            clock=clock,
            issuer=settings.provided.public_url,
            audience=audience,
        ),
        key_ring,
        clock,
    )
    refresh_tokens = providers.Singleton(RefreshTokenCodec, secret_keys)
