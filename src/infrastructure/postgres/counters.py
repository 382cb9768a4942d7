"""Counters of attempts in PostgreSQL: exact over workers, nodes and restarts (L07).

One upsert reads, judges and moves a counter under the row's lock, so that attempts sent at once are no way around.
What it does is :func:`domain.limits.count`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from application.sessions.ports import CountedAttempt
from domain.limits import HELD_FOR, MOST_IN_A_ROW, QUIET, Allowance, Rule
from infrastructure.postgres.database import Database
from infrastructure.postgres.purges import MOST_BATCHES
from infrastructure.postgres.writes import Write


def literal(duration: timedelta) -> str:
    """An interval of the settings, not of a request."""
    return f"interval '{duration // timedelta(microseconds=1)} microseconds'"


_REMEMBERED = f"""
CASE WHEN r.failures >= {MOST_IN_A_ROW}
    THEN CASE WHEN now() - r.arrival_at < {literal(HELD_FOR)} THEN r.failures ELSE 0 END
    ELSE greatest(r.failures - floor(greatest(extract(epoch FROM now() - r.arrival_at), 0)
        / {QUIET // timedelta(seconds=1)}), 0)::integer
END
"""


def hit(
    rule: Rule,
    *,
    subject: str,
    unless_refused_by: Sequence[str] = (),
    where_exists: str | None = None,
    strained: str = "false",
    slowed: str = "false",
    uncounted: str = "false",
) -> str:
    """The upsert that counts one attempt, for use as a CTE.

    ``subject`` is an expression; where it is null nothing is counted. ``unless_refused_by`` names earlier hits: what
    one of them refuses is not counted here, so that a flood from one source does not use up the attempts of the
    accounts it aims at (L06). ``where_exists`` names a CTE without whose row nothing is counted.

    While the condition ``strained`` is true, only an empty counter admits; while ``slowed`` is, an attempt costs the
    least. One of which the condition ``uncounted`` is true is judged like any other and then not counted.

    Gives ``subject``, ``admitted``, ``arrival_at``, ``failures``, and ``wait`` in seconds.
    """
    interval, longest = literal(rule.interval), literal(rule.longest_cost)
    grows = rule.longest_wait is not None
    room = f"CASE WHEN {strained} THEN {interval} ELSE {literal(rule.room)} END"
    doublings = f"least(greatest(s.failures + 1 - {rule.burst}, 0), 20)"
    grown = f"CASE WHEN {slowed} THEN {interval} ELSE least({interval} * 2 ^ {doublings}, {longest}) END"
    wait = f"r.arrival_at + {interval} - now() - {room}"
    conditions = [f"({subject}) IS NOT NULL"]
    conditions += [f"NOT EXISTS (SELECT FROM {earlier} WHERE NOT admitted)" for earlier in unless_refused_by]
    conditions += [f"EXISTS (SELECT FROM {where_exists})"] if where_exists else []
    return f"""
    INSERT INTO rate_limits AS r (rule, subject, arrival_at, failures, admitted)
    SELECT '{rule.name}', {subject},
        CASE WHEN {uncounted} THEN now() ELSE now() + {literal(rule.cost(0))} END,
        CASE WHEN {uncounted} THEN 0 ELSE {int(grows)} END, true
    WHERE {" AND ".join(conditions)}
    ON CONFLICT (rule, subject) DO UPDATE SET (admitted, arrival_at, failures) = (
        SELECT v.admitted,
            CASE WHEN NOT v.admitted THEN r.arrival_at WHEN excluded.arrival_at = now() THEN v.later
                ELSE v.later + v.cost END,
            CASE WHEN v.admitted THEN v.failures + excluded.failures ELSE r.failures END
        FROM (
            SELECT s.*, s.failures < {MOST_IN_A_ROW} AND s.later + {interval} <= now() + {room} AS admitted,
                {grown if grows else interval} AS cost
            FROM (SELECT {_REMEMBERED if grows else "0"} AS failures, greatest(r.arrival_at, now()) AS later) AS s
        ) AS v
    )
    RETURNING r.subject, r.admitted, r.arrival_at, r.failures, extract(epoch FROM {
        f"CASE WHEN r.failures >= {MOST_IN_A_ROW} THEN {longest} ELSE {wait} END" if grows else wait
    })::float8 AS wait
    """


def is_refused(rule: Rule, *, subject: str, strained: str = "false") -> str:
    """Whether that counter would refuse an attempt now, as a query that gives one row, ``so``.

    It reads and does not wait: what is under way at the same time may not be seen, and go a little beyond a budget.
    """
    room = f"CASE WHEN {strained} THEN {literal(rule.interval)} ELSE {literal(rule.room)} END"
    return f"""
    SELECT EXISTS (
        SELECT FROM rate_limits AS r WHERE r.rule = '{rule.name}' AND r.subject = {subject}
            AND (r.arrival_at + {literal(rule.interval)} > now() + {room}
                OR (r.failures >= {MOST_IN_A_ROW} AND now() - r.arrival_at < {literal(HELD_FOR)}))
    ) AS so
    """


# In the order in which attempts are counted, or two statements could wait for each other. What costs nothing is a
# counter that had the last of its failures, and whose password has been proven elsewhere.
_GIVE_BACK = f"""
UPDATE rate_limits AS r
SET arrival_at = r.arrival_at - g.cost,
    failures = CASE WHEN g.failures >= {MOST_IN_A_ROW} THEN 0 ELSE greatest(r.failures - g.failures, 0) END
FROM (
    SELECT l.rule, l.subject, given.cost, given.failures
    FROM unnest($1::text[], $2::bytea[], $3::interval[], $4::integer[])
        WITH ORDINALITY AS given (rule, subject, cost, failures, place)
    JOIN rate_limits AS l ON l.rule = given.rule AND l.subject = given.subject
    WHERE given.cost > interval '0' OR l.failures >= {MOST_IN_A_ROW}
    ORDER BY given.place FOR UPDATE OF l
) AS g
WHERE r.rule = g.rule AND r.subject = g.subject
RETURNING r.rule
"""


def given_back(allowances: Sequence[Allowance], *, proven: bool = False) -> Write:
    """The write that takes an attempt off its counters; ``proven`` if its password was right."""
    return Write(
        statement=_GIVE_BACK,
        arguments=(
            [allowance.rule for allowance in allowances],
            [allowance.subject for allowance in allowances],
            [allowance.cost for allowance in allowances],
            [allowance.failures_proven if proven else allowance.failures for allowance in allowances],
        ),
    )


_IS_OVER = f"""
arrival_at < now() - CASE WHEN failures >= {MOST_IN_A_ROW} THEN {literal(HELD_FOR)} ELSE failures * {literal(QUIET)} END
"""
_LOOKED_AT = 5000
_BEGINNING = ("", b"")


@dataclass(frozen=True, slots=True)
class PostgresAttemptWriter:
    """Stages writes of counters."""

    stage: Callable[[Write], None]

    def forgive(self, attempt: CountedAttempt) -> None:
        """See the port."""
        if allowances := [allowance for allowance in attempt.allowances if allowance.cost]:
            self.stage(given_back(allowances))

    def prove(self, attempt: CountedAttempt) -> None:
        """See the port."""
        if attempt.allowances:
            self.stage(given_back(attempt.allowances, proven=True))


class CounterPurge:
    """Deletes counters that hold nothing back any more, stretch by stretch of the table, and then from the beginning.

    No index leads to them, for one on what an attempt moves would have to be written at every attempt: so all are
    looked at, in the order of the primary key. Rows that somebody else holds are passed over.
    """

    def __init__(self, looked_at: int = _LOOKED_AT) -> None:
        self._looked_at = looked_at
        # The number stands in the statement: a plan that has to guess it may read a large table whole, and sort it.
        self.statement = f"""
        WITH looked_at AS MATERIALIZED (
            SELECT rule, subject, ctid AS place, {_IS_OVER} AS is_over FROM rate_limits
            WHERE (rule, subject) > ($1::text, $2::bytea) ORDER BY rule, subject LIMIT {looked_at}
        ), gone AS (
            DELETE FROM rate_limits WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM rate_limits
                WHERE ctid = ANY (ARRAY(SELECT place FROM looked_at WHERE is_over)) AND {_IS_OVER}
                FOR UPDATE SKIP LOCKED
            ))
            RETURNING rule
        )
        SELECT rule, subject, (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM looked_at) AS looked_at
        FROM looked_at ORDER BY rule DESC, subject DESC LIMIT 1
        """
        self._after = _BEGINNING

    async def __call__(self, database: Database) -> int:
        """The next stretches, to the end of the table at most; how many are gone."""
        total = 0
        for _ in range(MOST_BATCHES):
            row = await database.fetch_row(self.statement, *self._after)
            total += row["gone"] if row else 0
            if row is None or row["looked_at"] < self._looked_at:
                self._after = _BEGINNING
                break
            self._after = row["rule"], row["subject"]
        return total
