"""How sign-ins go, counted from the events that they leave, and the episodes in which lists are tried."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from asyncpg import Record

from application.origin import Origin
from application.ports import IdGenerator
from application.stuffing.ports import Episode, SignInsNow
from domain.stuffing.events import ENDED, RECOGNISED, stuffing_recognised
from domain.stuffing.recognition import MOST_OF_EACH, WINDOW, SignIns, StuffingKind
from infrastructure.postgres.database import Database
from infrastructure.postgres.events import COLUMNS as EVENT_COLUMNS
from infrastructure.postgres.limits import RateLimits

log = logging.getLogger("crm_auth.stuffing")

_WINDOW = f"interval '{WINDOW.total_seconds():.0f} seconds'"
# A session that took the place of another was no sign-in.
_RECENT = f"""
SELECT e.type = 'log_in.failed' AS has_failed, e.data ->> 'identifier_digest' AS account, e.user_id,
    host(CASE family(e.ip_address) WHEN 6 THEN network(set_masklen(e.ip_address, 64)) ELSE e.ip_address END) AS source,
    CASE family(e.ip_address) WHEN 6 THEN network(set_masklen(e.ip_address, 48)) ELSE e.ip_address END AS subscriber
FROM events AS e
WHERE e.type IN ('log_in.failed', 'session.started') AND e.occurred_at > now() - {_WINDOW} AND NOT e.data ? 'reason'
"""
_PEOPLE = """
count(DISTINCT user_id) FILTER (WHERE NOT has_failed) AS succeeded,
count(DISTINCT account) FILTER (WHERE has_failed) AS accounts
"""
_EPISODES = """
SELECT id, kind, host(source) AS source, now() - seen_at AS quiet_for FROM stuffing_episodes WHERE ended_at IS NULL
"""
_BY_SOURCE = f"""
WITH recent AS ({_RECENT})
SELECT source, {_PEOPLE}, count(*) FILTER (WHERE has_failed) AS failed, 1 AS sources
FROM recent WHERE source IS NOT NULL GROUP BY source
HAVING count(DISTINCT account) FILTER (WHERE has_failed) >= $1::bigint OR source = ANY ($2::text[])
"""
_OTHERS = f"""
WITH recent AS ({_RECENT}),
others AS (SELECT * FROM recent WHERE NOT coalesce(source = ANY ($1::text[]), false)),
by_subscriber AS (SELECT subscriber, count(*) AS failed FROM others WHERE has_failed GROUP BY subscriber)
SELECT people.*, failures.* FROM (SELECT {_PEOPLE} FROM others) AS people, (
    SELECT coalesce(sum(least(failed, {MOST_OF_EACH})), 0)::bigint AS failed, count(subscriber) AS sources
    FROM by_subscriber
) AS failures
"""
# Not what happens now: an attack that grows for some minutes would be held against itself.
_USUAL = f"""
SELECT succeeded, failed FROM sign_in_periods
WHERE began_at > now() - interval '7 days' AND began_at <= now() - 2 * {_WINDOW}
"""

_OPEN = f"""
WITH opened AS (
    INSERT INTO stuffing_episodes (id, kind, subject, source, failed, accounts, sources)
    VALUES ($1, $2, $3, $4::text::inet, $5, $6, $7)
    ON CONFLICT (subject) WHERE ended_at IS NULL DO NOTHING
    RETURNING id
), noted AS (
    INSERT INTO events ({EVENT_COLUMNS})
    SELECT $1, '{RECOGNISED}', NULL, NULL, NULL, $4::text::inet, NULL, $8::jsonb FROM opened
    RETURNING position
), told AS (
    INSERT INTO deliveries (subscriber, event_position)
    SELECT t.name, n.position FROM noted AS n CROSS JOIN unnest($9::text[]) AS t (name)
)
SELECT count(*) FROM opened
"""
_GO_ON = """
UPDATE stuffing_episodes
SET seen_at = now(), failed = greatest(failed, $2), accounts = greatest(accounts, $3), sources = greatest(sources, $4)
WHERE id = $1 AND ended_at IS NULL
"""
_END = f"""
WITH ended AS (
    UPDATE stuffing_episodes SET ended_at = now() WHERE id = $1 AND ended_at IS NULL
    RETURNING kind, source, failed, accounts, sources
)
INSERT INTO events ({EVENT_COLUMNS})
SELECT $2, '{ENDED}', NULL, NULL, NULL, source, NULL, jsonb_build_object(
    'kind', kind, 'failed', failed::text, 'accounts', accounts::text, 'sources', sources::text
) FROM ended
RETURNING position
"""
# Whose address it was is told by the record of events for as long as that is kept.
_KEEP = """
WITH gone AS (DELETE FROM sign_in_periods WHERE began_at < now() - interval '8 days'),
over AS (DELETE FROM stuffing_episodes WHERE ended_at < now() - interval '30 days')
INSERT INTO sign_in_periods (began_at, succeeded, failed, accounts, sources)
VALUES (date_bin($5::interval, now(), '2000-01-01'), $1, $2, $3, $4)
ON CONFLICT (began_at) DO UPDATE
SET succeeded = greatest(sign_in_periods.succeeded, excluded.succeeded),
    failed = greatest(sign_in_periods.failed, excluded.failed),
    accounts = greatest(sign_in_periods.accounts, excluded.accounts),
    sources = greatest(sign_in_periods.sources, excluded.sources)
"""
ALL = b""
"""The subject of an episode of many sources."""


@dataclass(frozen=True, slots=True)
class PostgresStuffingRecord:
    """Counts what sign-ins have written anyway: they do nothing more for it."""

    database: Database
    new_id: IdGenerator
    limits: RateLimits
    subscribers: Sequence[str] = ()

    async def now(self, *, accounts: int) -> SignInsNow:
        """See the port."""
        episodes = [_episode(row) for row in await self.database.fetch(_EPISODES)]
        sources = [episode.source for episode in episodes if episode.source is not None]
        by_source = await self.database.fetch(_BY_SOURCE, accounts, sources)
        others = await self.database.fetch_row(_OTHERS, sources)
        return SignInsNow(
            by_source=[(row["source"], _counts(row)) for row in by_source],
            others=_counts(others) if others else SignIns(),
            usual=[
                SignIns(succeeded=row["succeeded"], failed=row["failed"]) for row in await self.database.fetch(_USUAL)
            ],
            episodes=episodes,
        )

    async def open(self, kind: StuffingKind, source: str | None, seen: SignIns) -> bool:
        """See the port."""
        subject = ALL if source is None else self.limits.source_subject(Origin(ip_address=source)) or source.encode()
        row = await self.database.fetch_row(
            _OPEN, self.new_id(), kind.value, subject, source, seen.failed, seen.accounts, seen.sources,
            json.dumps(dict(stuffing_recognised(kind, seen).data)), list(self.subscribers),
        )  # fmt: skip
        if row is None or row["count"] != 1:
            return False
        # G02: which address it is stands in the record of events, which is erased in time; a log is not.
        log.warning(
            "credential stuffing recognised (%s): %d failed sign-ins with %d accounts from %d source(s)",
            kind.value, seen.failed, seen.accounts, seen.sources,
        )  # fmt: skip
        return True

    async def go_on(self, episode: Episode, seen: SignIns) -> None:
        """See the port."""
        await self.database.fetch(_GO_ON, episode.id, seen.failed, seen.accounts, seen.sources)

    async def end(self, episode: Episode) -> None:
        """See the port."""
        if await self.database.fetch(_END, episode.id, self.new_id()):
            log.info("credential stuffing is over (%s)", episode.kind.value)

    async def keep_usual(self, seen: SignIns) -> None:
        """See the port."""
        await self.database.fetch(_KEEP, seen.succeeded, seen.failed, seen.accounts, seen.sources, WINDOW)


def _counts(row: Record) -> SignIns:
    return SignIns(succeeded=row["succeeded"], failed=row["failed"], accounts=row["accounts"], sources=row["sources"])


def _episode(row: Record) -> Episode:
    return Episode(id=row["id"], kind=StuffingKind(row["kind"]), source=row["source"], quiet_for=row["quiet_for"])
