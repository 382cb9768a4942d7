"""The checks, one after the other. A new one is a function beside its like, and a line in ``CHECKS``."""

import asyncio
from collections.abc import Sequence

import asyncpg

from bootstrap.doctor import database_checks, outside_checks, process_checks, settings_checks, sign_in_checks
from bootstrap.doctor.check import Check, Patient, failed, ok, warning
from bootstrap.server import database_access
from bootstrap.settings import Settings, SettingsError
from infrastructure.postgres.embedded import EmbeddedPostgresError
from interfaces.cli.operations import Finding, FindingState

PATIENCE = 10.0
"""Seconds, for the connection and for each statement."""

WITHOUT_DATABASE: Sequence[Check] = (
    settings_checks.public_url,
    settings_checks.secret_files,
    settings_checks.data_folder,
    settings_checks.breached_passwords,
    outside_checks.mail,
    outside_checks.photos,
)
CHECKS: Sequence[Check] = (
    database_checks.server_version,
    database_checks.schema,
    database_checks.role,
    database_checks.clock,
    database_checks.signing_keys,
    database_checks.outbox,
    database_checks.audit,
    process_checks.servers,
    process_checks.worker,
    process_checks.proxies,
    process_checks.public_url_seen,
    sign_in_checks.sign_ins,
)
"""Those that ask the database; each is named as its finding is."""


def examine(settings: Settings, environment: dict[str, str]) -> Sequence[Finding]:
    """Everything that can be said."""
    patient = Patient(settings=settings, environment=environment)
    findings = [ok("settings", "all of them are acceptable"), *asyncio.run(_all_of(WITHOUT_DATABASE, patient))]
    if settings.is_embedded and not settings.data_dir.exists():
        return [*findings, warning("database", "there is none yet", "start `crm-auth serve` once: it makes one")]
    try:
        with database_access(settings, join=True) as access:
            return [*findings, *asyncio.run(_asked(access.service_url, patient))]
    except (OSError, asyncpg.PostgresError, EmbeddedPostgresError, TimeoutError) as failure:
        return [*findings, _unreachable(failure)]


async def _asked(url: str, patient: Patient) -> Sequence[Finding]:
    connection = await asyncpg.connect(url, timeout=PATIENCE, command_timeout=PATIENCE, statement_cache_size=0)
    try:
        patient.connection = connection
        return [ok("database", "it answers"), *await _all_of(CHECKS, patient)]
    finally:
        await connection.close()


async def _all_of(checks: Sequence[Check], patient: Patient) -> Sequence[Finding]:
    return [await _checked(check, patient) for check in checks]


def refused(error: SettingsError) -> Sequence[Finding]:
    """Where not even the settings can be read, there is nothing else to look at."""
    remedy = "mend them: `crm-auth config` shows what is in force"
    return [Finding("settings", FindingState.FAILED, problem, remedy) for problem in error.problems]


def _unreachable(failure: Exception) -> Finding:
    return failed(
        "database",
        f"it cannot be reached ({type(failure).__name__}: {failure})".replace(": )", ")"),
        "check CRM_AUTH_DATABASE_URL, the network, and that PostgreSQL takes connections from here (pg_hba.conf)",
    )


async def _checked(check: Check, patient: Patient) -> Finding:
    """A check that cannot be made is a finding too: the others are made all the same."""
    try:
        return await check(patient)
    except Exception as failure:  # noqa: BLE001 - as above
        said = f"it could not be checked ({type(failure).__name__})"
        return failed(check.__name__, said, "see the finding before it, or the log")
