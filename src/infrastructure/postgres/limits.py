"""Limits on attempts, counted by PostgreSQL: exact over workers, nodes and restarts (L07).

A generic cell rate algorithm: a counter is the time at which its bucket would be empty again (``arrival_at``). One
upsert reads, judges and moves it, under the row's lock, so that attempts sent at once are no way around.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil

from asyncpg import Record

from application.origin import Origin
from application.sessions.ports import LogInAttempt
from domain.errors import TooManyAttempts
from infrastructure.postgres.database import Database
from infrastructure.postgres.writes import Write

_IPV6_SITE = 8
"""Bytes of an IPv6 address that are one subscriber's: within a /64 addresses cost nothing (L04)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``burst`` attempts at once, and ``burst`` in a ``period`` from then on."""

    name: str
    burst: int
    period: timedelta

    @property
    def interval(self) -> timedelta:
        """What one attempt costs."""
        return self.period / self.burst

    def arguments(self, subject: bytes | None) -> tuple[object, ...]:
        """What :func:`hit` takes; a subject of ``None`` is not limited."""
        return self.name, subject, self.interval, self.period


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """The rules in force, and who is counted as whom.

    Sign-in: 10 wrong passwords an account (NIST 800-63B-4 3.2.2 allows 100), then one a minute; a source may be an
    office. A success gives its attempt back, so only failures add up. Sign-up: a source may be a class room.
    """

    digest: Callable[[bytes], bytes]
    """Keyed, so that the table holds neither addresses nor what people typed."""
    enabled: bool = True
    sign_in_account: Rule = Rule("sign_in.account", 10, timedelta(minutes=10))
    sign_in_source: Rule = Rule("sign_in.source", 100, timedelta(minutes=10))
    sign_up_account: Rule = Rule("sign_up.account", 20, timedelta(hours=1))
    sign_up_source: Rule = Rule("sign_up.source", 60, timedelta(hours=1))

    def text_subject(self, text: str) -> bytes | None:
        """A subject known by a text, such as an identifier in canonical form."""
        return self.digest(text.encode(errors="replace")) if self.enabled else None

    def source_subject(self, origin: Origin) -> bytes | None:
        """The source of a request: its address, of IPv6 the /64."""
        if not self.enabled or origin.ip_address is None:
            return None
        address = ip_address(origin.ip_address)
        if isinstance(address, IPv6Address):
            mapped = address.ipv4_mapped
            return self.digest(mapped.packed if mapped else address.packed[:_IPV6_SITE])
        return self.digest(address.packed)

    def interval_of(self, rule_name: str) -> timedelta:
        """What one attempt costs under that rule."""
        rules = (self.sign_in_account, self.sign_in_source, self.sign_up_account, self.sign_up_source)
        return next(rule.interval for rule in rules if rule.name == rule_name)


def hit(
    *,
    rule: int,
    subject: int,
    interval: int,
    period: int,
    whose: str | None = None,
    unless_refused_by: str | None = None,
) -> str:
    """The upsert that counts one attempt, for use as a CTE; the numbers are those of its parameters.

    ``whose`` is an expression for the subject where it is not the parameter itself. ``unless_refused_by`` names an
    earlier hit: what that one refuses is not counted here, so that a flood from one source does not use up the
    attempts of the accounts it aims at (L06). Gives ``subject``, ``admitted``, and ``wait`` in seconds.
    """
    moved = f"greatest(r.arrival_at, now()) + ${interval}::interval"
    admitted = f"{moved} <= now() + ${period}::interval"
    earlier = f"AND NOT EXISTS (SELECT FROM {unless_refused_by} WHERE NOT admitted)" if unless_refused_by else ""
    return f"""
    INSERT INTO rate_limits AS r (rule, subject, arrival_at, admitted)
    SELECT ${rule}::text, {whose or f"${subject}::bytea"}, now() + ${interval}::interval, true
    WHERE ${subject}::bytea IS NOT NULL {earlier}
    ON CONFLICT (rule, subject) DO UPDATE
    SET admitted = {admitted}, arrival_at = CASE WHEN {admitted} THEN {moved} ELSE r.arrival_at END
    RETURNING r.subject, r.admitted,
        extract(epoch FROM r.arrival_at + ${interval}::interval - ${period}::interval - now())::float8 AS wait
    """


def refuse_unless_admitted(row: Record) -> None:
    """Raise TooManyAttempts when a hit of the row was refused; ``None`` stands for one that was not counted."""
    for name in ("source", "account"):
        if row[f"{name}_admitted"] is False:
            raise TooManyAttempts(retry_after=max(1, ceil(row[f"{name}_wait"])))


_FORGIVE = """
UPDATE rate_limits AS r SET arrival_at = r.arrival_at - given.cost
FROM unnest($1::text[], $2::bytea[], $3::interval[]) AS given (rule, subject, cost)
WHERE r.rule = given.rule AND r.subject = given.subject
RETURNING r.rule
"""

_PURGE_BATCH = 1000
_PURGE = f"""
DELETE FROM rate_limits WHERE (rule, subject) IN (
    SELECT rule, subject FROM rate_limits WHERE arrival_at < now() LIMIT {_PURGE_BATCH} FOR UPDATE SKIP LOCKED
)
RETURNING rule
"""


@dataclass(frozen=True, slots=True)
class PostgresAttemptWriter:
    """Stages writes of counters."""

    stage: Callable[[Write], None]
    limits: RateLimits

    def forgive(self, attempt: LogInAttempt) -> None:
        """Take this one attempt off its counters."""
        if attempt.allowances:
            rules, subjects = zip(*attempt.allowances, strict=True)
            costs = [self.limits.interval_of(rule) for rule in rules]
            self.stage(Write(statement=_FORGIVE, arguments=(list(rules), list(subjects), costs)))


async def purge(database: Database) -> None:
    """Delete counters that hold nothing back any more, 1,000 a statement, past those that are in use."""
    while len(await database.fetch(_PURGE)) == _PURGE_BATCH:
        pass
