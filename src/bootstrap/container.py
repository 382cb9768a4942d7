"""What is made of what.

Three sections, from the outside in: adapters, use cases, and the application that holds both. Everything is made
without waiting: what has to be opened is opened by the lifespan (:mod:`bootstrap.lifespan`).
"""

import os
from collections.abc import Callable, Mapping
from zoneinfo import available_timezones

from dependency_injector import containers, providers

from application.accounts.register_user import RegisterUser
from application.accounts.view_profile import ViewProfile
from application.sessions.log_in import LogIn, VerifyPassword
from application.sessions.log_out import LogOut
from application.sessions.refresh_session import RefreshSession
from application.sessions.start_session import StartSession
from application.sessions.view_session import ViewSession
from bootstrap.settings import Settings
from domain.accounts.signup_policy import OPEN
from domain.credentials.password import PasswordPolicy
from domain.sessions.session import SessionLifetime
from infrastructure.clock import DatabaseClock
from infrastructure.identifiers import parse_email_address
from infrastructure.ids import new_id
from infrastructure.passwords.argon2 import Argon2Parameters, Argon2PasswordHasher
from infrastructure.passwords.hashing_pool import HashingPool
from infrastructure.passwords.strength import ZxcvbnStrengthEstimator
from infrastructure.postgres.accounts import PostgresRegistrations
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.log_in_attempts import PostgresLogInAttempts
from infrastructure.postgres.readiness import PostgresReadiness
from infrastructure.postgres.sessions import PostgresSessionRepository
from infrastructure.postgres.signing_keys import PostgresSigningKeyStore
from infrastructure.postgres.unit_of_work import PostgresUnitOfWorkFactory
from infrastructure.tokens.access_token_verifier import JwtAccessTokenVerifier
from infrastructure.tokens.access_tokens import JwtAccessTokenIssuer, SessionClaims
from infrastructure.tokens.key_ring import KeyRing
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
    return HashingPool(workers=settings.hash_workers or share, queue_length=settings.hash_queue)


def _lifetimes(settings: Settings) -> Mapping[bool, SessionLifetime]:
    return {
        False: SessionLifetime(idle=settings.session_idle_lifetime, absolute=settings.session_lifetime),
        True: SessionLifetime(
            idle=settings.remembered_session_idle_lifetime, absolute=settings.remembered_session_lifetime
        ),
    }


def _subject_digest(secret_keys: SecretKeys) -> Callable[[bytes], bytes]:
    return lambda data: secret_keys.digest("subject/v1", data)


class Adapters(containers.DeclarativeContainer):
    """The ports' implementations: PostgreSQL, Argon2, JWT."""

    settings = providers.Dependency(instance_of=Settings)
    server_processes = providers.Dependency(instance_of=int, default=1)

    clock = providers.Singleton(DatabaseClock)
    new_id = providers.Object(new_id)
    secret_keys = providers.Singleton(SecretKeys, settings.provided.secret_key)

    database = providers.Singleton(Database, providers.Callable(_database_options, settings))
    limits = providers.Singleton(
        RateLimits, digest=providers.Callable(_subject_digest, secret_keys), enabled=settings.provided.rate_limits
    )
    registrations = providers.Singleton(PostgresRegistrations, database, limits)
    attempts = providers.Singleton(PostgresLogInAttempts, database, limits)
    sessions = providers.Singleton(PostgresSessionRepository, database, new_id)
    unit_of_work = providers.Singleton(PostgresUnitOfWorkFactory, database, new_id, limits)
    readiness = providers.Singleton(PostgresReadiness, database)

    hashing_pool = providers.Singleton(_hashing_pool, settings, server_processes)
    hasher = providers.Singleton(
        Argon2PasswordHasher,
        hashing_pool,
        providers.Factory(
            Argon2Parameters, memory=settings.provided.argon2_memory_kib, passes=settings.provided.argon2_time_cost
        ),
    )
    estimator = providers.Singleton(ZxcvbnStrengthEstimator)
    parse_email = providers.Object(parse_email_address)

    key_ring = providers.Singleton(KeyRing, providers.Singleton(PostgresSigningKeyStore, database), secret_keys, clock)
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


class UseCases(containers.DeclarativeContainer):
    """What the product can do. None holds state: whatever a call needs to remember is in its unit of work."""

    settings = providers.Dependency(instance_of=Settings)
    adapters = providers.DependenciesContainer()

    register_user = providers.Factory(
        RegisterUser,
        registrations=adapters.registrations,
        unit_of_work=adapters.unit_of_work,
        hasher=adapters.hasher,
        estimator=adapters.estimator,
        parse_email=adapters.parse_email,
        new_id=adapters.new_id,
        policy=providers.Singleton(PasswordPolicy, settings.provided.password_min_length),
        signup=settings.provided.signup,
        time_zones=providers.Singleton(available_timezones),
    )
    view_profile = providers.Factory(ViewProfile, adapters.sessions)
    log_in = providers.Factory(
        LogIn,
        attempts=adapters.attempts,
        parse_email=adapters.parse_email,
        steps=providers.List(
            providers.Singleton(VerifyPassword, hasher=adapters.hasher, unit_of_work=adapters.unit_of_work)
        ),
        start_session=providers.Singleton(
            StartSession,
            unit_of_work=adapters.unit_of_work,
            refresh_tokens=adapters.refresh_tokens,
            issuer=adapters.issuer,
            hasher=adapters.hasher,
            new_id=adapters.new_id,
            lifetimes=providers.Singleton(_lifetimes, settings),
            client_id=settings.provided.client_id,
        ),
    )
    view_session = providers.Factory(ViewSession, adapters.sessions)
    refresh_session = providers.Factory(
        RefreshSession,
        refresh_tokens=adapters.refresh_tokens,
        sessions=adapters.sessions,
        issuer=adapters.issuer,
    )
    log_out = providers.Factory(LogOut, adapters.unit_of_work)


class Container(containers.DeclarativeContainer):
    """The whole. ``container.use_cases.log_in()`` is a use case that is ready to be called."""

    settings = providers.Dependency(instance_of=Settings)
    server_processes = providers.Dependency(instance_of=int, default=1)
    adapters = providers.Container(Adapters, settings=settings, server_processes=server_processes)
    use_cases = providers.Container(UseCases, settings=settings, adapters=adapters)


def make_container(settings: Settings, *, server_processes: int = 1) -> Container:
    """A container for settings that name a database and a secret key (see :mod:`bootstrap.state`)."""
    return Container(settings=settings, server_processes=server_processes)


def for_operator(container: Container) -> RegisterUser:
    """Registering as the operator does it: whatever sign-up admits; an origin without an address has no limit."""
    register_user: RegisterUser = container.use_cases.register_user(signup=OPEN)
    return register_user
