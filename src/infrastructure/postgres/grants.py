"""What the service's role may do with each table: the one place that says so (C05).

Migrations run as the owner of the tables, and end by bringing the database to what is written here. The service signs
in as a role that owns nothing: whoever makes it run a statement of theirs changes no schema, empties no table, and
alters nothing of what is only ever added to.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from infrastructure.postgres.connection_pool import Connection

GRANTS: Mapping[str, tuple[str, ...]] = {
    "users": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "reserved_usernames": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "unowned_photos": ("SELECT", "INSERT", "UPDATE (since)", "DELETE"),
    # They go with their account, by the foreign key, and never change hands.
    "credentials": ("SELECT", "INSERT", "UPDATE (secret, version, updated_at)"),
    "sessions": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    # To lock a row that is to go takes the right to update some column of it.
    "one_time_tokens": ("SELECT", "INSERT", "UPDATE (expires_at)", "DELETE"),
    "email_changes": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "former_emails": ("SELECT", "INSERT", "UPDATE (replaced_at)", "DELETE"),
    "pending_registrations": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "idempotency_keys": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    # Sealed anew, never exchanged: without the key it is for, a digest means nothing any more.
    "data_keys": ("SELECT", "INSERT", "UPDATE (sealed)"),
    "signing_keys": ("SELECT", "INSERT", "UPDATE (state, sealed_private_key, activated_at, retired_at)"),
    # Added to. What is personal in an event goes when its account is deleted; the event stays (G04).
    "events": ("SELECT", "INSERT", "UPDATE (ip_address, user_agent, data)"),
    "deliveries": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "rate_limits": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "processes": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "sign_in_periods": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "stuffing_episodes": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    # The audit log is added to, and nothing leaves it but by its one function (G04). A head is told to be written
    # off the host; a key of what is personal is destroyed with its account.
    "audit_queue": ("SELECT", "INSERT", "DELETE"),
    "audit_entries": ("SELECT", "INSERT"),
    "audit_heads": ("SELECT", "INSERT", "UPDATE (written_at)"),
    "audit_keys": ("SELECT", "INSERT", "DELETE"),
    "audit_erasures": ("SELECT", "INSERT", "UPDATE (erased_at, head)"),
    "audit_signing_keys": ("SELECT", "INSERT", "UPDATE (retired_at)"),
    "schema_version": ("SELECT",),
}
FUNCTIONS = frozenset({"end_sessions_beyond", "audit_drop_before"})
"""Those of ours that the service calls, by name. One that a trigger runs is not among them: that takes no right."""

_DATABASE, _SCHEMA = "database", "schema public"


class Right(NamedTuple):
    """One privilege on one object; ``column`` is None for the whole of it."""

    grantee: str
    object: str
    privilege: str
    column: str | None = None

    def __str__(self) -> str:
        column = f" ({self.column})" if self.column else ""
        return f"{self.privilege}{column} on {self.object}"


# Ours is what belongs to whoever owns the schema's version: extensions and other people's tables are theirs to judge.
_OURS = "(SELECT relowner FROM pg_class WHERE oid = to_regclass('public.schema_version'))"
_OBJECTS = f"""
SELECT 'table ' || relname AS object, format('TABLE public.%I', relname) AS named FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND relowner = {_OURS}
UNION ALL
SELECT 'function ' || proname, 'FUNCTION ' || oid::regprocedure::text FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proowner = {_OURS}
ORDER BY object, named
"""
_RIGHTS = f"""
WITH found (object, acl, attname) AS (
    SELECT 'table ' || relname, relacl, NULL FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND relowner = {_OURS}
    UNION ALL
    SELECT 'table ' || relname, attacl, attname FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid
    WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL AND relowner = {_OURS}
    UNION ALL
    SELECT 'function ' || proname, coalesce(proacl, acldefault('f', proowner)), NULL FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proowner = {_OURS}
    UNION ALL
    SELECT '{_SCHEMA}', coalesce(nspacl, acldefault('n', nspowner)), NULL FROM pg_namespace WHERE nspname = 'public'
    UNION ALL
    SELECT '{_DATABASE}', coalesce(datacl, acldefault('d', datdba)), NULL FROM pg_database
    WHERE datname = current_database()
)
SELECT coalesce(rolname, 'PUBLIC') AS grantee, object, privilege_type AS privilege, attname AS column
FROM found CROSS JOIN aclexplode(acl) LEFT JOIN pg_roles AS r ON r.oid = grantee
WHERE grantee = 0 OR rolname = $1
"""
_ROLE = f"""
SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls AS is_privileged,
    EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS is_member,
    EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner = r.oid)
        OR coalesce(r.oid = {_OURS}, false) AS is_owner
FROM pg_roles AS r WHERE rolname = $1
"""


async def apply(connection: Connection, role: str) -> None:
    """Bring the rights of the service's role, and everybody's, to what is written here. Run as the owner.

    Nothing is done where they are so already: a grant writes to the catalogue, where a vacuum may be writing too.
    """
    if not await _changes(connection, role):
        return
    named = quoted(role)
    database = quoted(await connection.fetchval("SELECT current_database()"))
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC, {named}")
    await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {named}")
    await connection.execute(f"REVOKE ALL ON SCHEMA public FROM PUBLIC, {named}")
    await connection.execute(f"GRANT USAGE ON SCHEMA public TO {named}")
    for row in await connection.fetch(_OBJECTS):
        await connection.execute(f"REVOKE ALL ON {row['named']} FROM PUBLIC, {named}")
        if privileges := _privileges(row["object"]):
            await connection.execute(f"GRANT {', '.join(privileges)} ON {row['named']} TO {named}")


async def differences(connection: Connection, role: str) -> list[str]:
    """What the service's role may do beyond what is written here, or may not do of it; a sentence each."""
    row = await connection.fetchrow(_ROLE, role)
    if row is None:
        return [f"The role {role} is not there: run `crm-auth db init`."]
    found = []
    if row["is_privileged"]:
        found.append(f"The role {role} may make roles or databases, or is a superuser.")
    if row["is_member"]:
        found.append(f"The role {role} is a member of another role, whose rights it has.")
    if row["is_owner"]:
        return [*found, f"The role {role} owns tables, and may alter them."]
    return found + await _changes(connection, role)


async def _changes(connection: Connection, role: str) -> list[str]:
    objects = {row["object"] for row in await connection.fetch(_OBJECTS)}
    wanted = set(_wanted(role, objects))
    live = {Right(*row.values()) for row in await connection.fetch(_RIGHTS, role)}
    more = [f"{right.grantee} has {right}." for right in sorted(live - wanted, key=str)]
    return more + [f"{right.grantee} lacks {right}." for right in sorted(wanted - live, key=str)]


def _wanted(role: str, objects: Iterable[str]) -> Iterable[Right]:
    yield Right(role, _DATABASE, "CONNECT")
    yield Right(role, _SCHEMA, "USAGE")
    for each in objects:
        for privilege in _privileges(each):
            name, _, columns = privilege.removesuffix(")").partition(" (")
            for column in columns.split(", "):
                yield Right(role, each, name, column or None)


def _privileges(each: str) -> tuple[str, ...]:
    kind, _, name = each.partition(" ")
    if kind == "function":
        return ("EXECUTE",) if name in FUNCTIONS else ()
    return GRANTS.get(name, ())


def quoted(identifier: str) -> str:
    """The identifier as SQL has it."""
    return '"' + identifier.replace('"', '""') + '"'
