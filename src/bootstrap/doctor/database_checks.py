"""What can be said of the database."""

import time
from datetime import timedelta

from bootstrap.doctor.check import Patient, failed, ok, warning
from infrastructure.postgres import grants
from infrastructure.postgres.audit_backlog import LAG
from infrastructure.postgres.outbox_backlog import BACKLOG
from infrastructure.postgres.schema_version import NEWEST, REVISION
from interfaces.cli.operations import Finding

_OLDEST_MAJOR = 15
_MUCH_AHEAD = 2.0
"""Seconds."""
_TOO_MUCH_AHEAD = 30.0
_WAITS_LONG = 300.0
_OLD_KEY_DAYS = 400
_SHOWN_RIGHTS = 3
_SEALED_LATE = 60.0
_UNWRITTEN = 10
_DROPPED_LATE_DAYS = 2

_KEY_AGE = """
SELECT extract(epoch FROM now() - coalesce(activated_at, created_at))::float8 / 86400 FROM signing_keys
WHERE state = 'active'
"""

# The head that signed the first entry that is there. Entries go by it, so that old events that were sealed late stay.
_OLDEST_SEALED = """
SELECT (body::jsonb ->> 'at')::timestamptz FROM audit_heads
WHERE sequence >= (SELECT min(sequence) FROM audit_entries) ORDER BY sequence, number LIMIT 1
"""


async def server_version(patient: Patient) -> Finding:
    """Whether PostgreSQL is one that this version runs on."""
    number = int(await patient.database.fetchval("SHOW server_version_num"))
    if number < _OLDEST_MAJOR * 10_000:
        return failed("server_version", f"PostgreSQL {number // 10_000} is too old", "run 15 or newer")
    return ok("server_version", f"PostgreSQL {number // 10_000}.{number % 10_000}")


async def schema(patient: Patient) -> Finding:
    """Whether the schema is the one of this code."""
    if not await patient.database.fetchval("SELECT to_regclass('schema_version') IS NOT NULL"):
        return failed("schema", "the database has no schema of ours", "run `crm-auth db upgrade`")
    revision = await patient.database.fetchval(REVISION)
    if revision == NEWEST:
        return ok("schema", f"at {revision}, as this version needs it")
    if str(revision) > NEWEST:
        return warning("schema", f"at {revision}, and this version knows {NEWEST}", "finish the upgrade of the service")
    return failed("schema", f"at {revision}, and this version needs {NEWEST}", "run `crm-auth db upgrade`")


async def role(patient: Patient) -> Finding:
    """Whether the service signs in as somebody who can do more, or less, than it needs (C05)."""
    found = await grants.differences(patient.database, await patient.database.fetchval("SELECT current_user"))
    if not found:
        return ok("role", "it owns nothing, and may do what the service does")
    return warning(
        "role",
        " ".join(found[:_SHOWN_RIGHTS]) + (f" And {len(found) - _SHOWN_RIGHTS} more." if found[_SHOWN_RIGHTS:] else ""),
        "run `crm-auth db init` and `db upgrade` with CRM_AUTH_DATABASE_MIGRATION_URL, which are for the owner",
    )


async def clock(patient: Patient) -> Finding:
    """Whether this machine's clock is the database's: tokens are judged by others, who have clocks as well (X09)."""
    asked = time.time()
    theirs = await patient.database.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    ahead = (asked + time.time()) / 2 - theirs
    said = f"this machine is {ahead:+.3f} s from the database"
    if abs(ahead) < _MUCH_AHEAD:
        return ok("clock", said)
    finding = failed if abs(ahead) > _TOO_MUCH_AHEAD else warning
    return finding("clock", said, "have both follow a time server (NTP)")


async def signing_keys(patient: Patient) -> Finding:
    """Whether there is a key that tokens are signed with, and for how long."""
    age = await patient.database.fetchval(_KEY_AGE)
    if age is None:
        return warning("signing_keys", "there is none yet", "start the service once: it makes them")
    if age > _OLD_KEY_DAYS:
        return warning("signing_keys", f"the active one is {age:.0f} days old", "run `crm-auth keys rotate`")
    return ok("signing_keys", f"the active one is {age:.0f} days old")


async def outbox(patient: Patient) -> Finding:
    """Whether mail and other deliveries go out."""
    row = await patient.database.fetchrow(BACKLOG)
    waiting, parked, oldest = (row["waiting"], row["parked"], row["oldest"]) if row else (0, 0, 0.0)
    if oldest > _WAITS_LONG:
        said = f"{waiting} wait, the oldest for {oldest / 60:.0f} minutes"
        return failed("outbox", said, "see the checks worker and mail, and `crm-auth outbox list --waiting`")
    if parked:
        return warning("outbox", f"{parked} were given up", "see `crm-auth outbox list`, then retry or drop them")
    return ok("outbox", f"{waiting} wait, and none was given up")


async def audit(patient: Patient) -> Finding:
    """Whether what happens is sealed into the audit log, which stops when somebody else wrote into it (G04)."""
    row = await patient.database.fetchrow(LAG)
    unsealed, oldest, unwritten = (row["unsealed"], row["oldest"], row["unwritten"]) if row else (0, 0.0, 0)
    if oldest > _SEALED_LATE:
        said = f"{unsealed} events wait to be sealed, the oldest for {oldest:.0f} s"
        return failed("audit", said, "see the check worker, the log at level critical, and `crm-auth audit verify`")
    age = await patient.database.fetchval(f"SELECT now() - ({_OLDEST_SEALED})")
    if age is not None and age > patient.settings.audit_kept + timedelta(days=_DROPPED_LATE_DAYS):
        said = f"the oldest entry is {age.days} days old, and {patient.settings.audit_kept.days} are kept"
        return warning("audit", said, "see the check worker, and the log for `dropping what is expired`")
    if patient.settings.audit_heads and unwritten > _UNWRITTEN:
        said = f"{unwritten} heads have not been written off the host"
        return warning(
            "audit", said, "see the check worker, and whether what CRM_AUTH_AUDIT_HEADS names can be written"
        )
    return ok("audit", f"{unsealed} events wait to be sealed")
