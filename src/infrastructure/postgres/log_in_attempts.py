"""The door of sign-in in PostgreSQL."""

from collections.abc import Hashable, Mapping

from asyncpg import Record

from application.origin import Origin
from application.sessions.ports import DeviceTokens, LogInAttempt
from domain.accounts.identifiers import EmailAddress, Identifier
from domain.limits import MOST_IN_A_ROW, Allowance
from domain.sessions.known_device import KnownDevice
from infrastructure.postgres.accounts import USER_COLUMNS, user_of
from infrastructure.postgres.counters import hit, is_refused, literal
from infrastructure.postgres.credentials import CREDENTIAL_COLUMNS, credential_of
from infrastructure.postgres.database import Database
from infrastructure.postgres.doors import Door
from infrastructure.postgres.limit_notices import LimitNotices, limit_noted
from infrastructure.postgres.limits import RateLimits

_NONE = (None, None, None, None)
_ADVICE = "Too many attempts. Wait, or reset your password."
"""Behind a hundred failures in a row only the latter helps. Everybody is told, or it would tell of them (L01)."""


def _door(limits: RateLimits) -> Door:
    rules = {
        "device": limits.sign_in_device,
        "source": limits.sign_in_source,
        "pair": limits.sign_in_pair,
        "account": limits.sign_in_account,
        "all": limits.share_of(limits.sign_in_all),
    }
    advisory = None if limits.budget_refuses else "all"
    return Door(
        policy="sign-in",
        rules=rules,
        told=("device",),
        published="pair",
        advisory=advisory,
        alone="device",
        advice=_ADVICE,
        refusals=limits.refusals,
    )


_IS_STRAINED = "(SELECT so FROM strained)"


def _hits(limits: RateLimits, door: Door) -> str:
    """Count the attempt, each CTE by the keys that ``who`` has.

    From a device that is known to the account on that device alone, so that neither strangers nor those behind the same
    address keep its owner out (L06); else on the source, on both together, on the account, and on the budget of all.
    Who waits already for both together does not make everybody else wait longer for the account, and who is refused
    by the account has guessed nothing, and does not wait longer for both together.
    """

    def counted(
        name: str, *refused_by: str, strained: str = _IS_STRAINED, slowed: str = "false", uncounted: str = "false"
    ) -> str:
        return hit(
            door.rules[name],
            subject=f"(SELECT {name}_key FROM who)",
            unless_refused_by=[f"{earlier}_hit" for earlier in refused_by],
            strained=strained,
            slowed=slowed,
            uncounted=uncounted,
        )

    account = door.rules["account"]
    slowed = f"EXISTS (SELECT FROM pair_hit WHERE failures > {door.rules['pair'].burst})"
    # The row of the budget is newer than the look at it, by which no other counter is asked: only an empty one admits.
    strained = _IS_STRAINED if limits.budget_refuses else "false"
    return f"""
    device_hit AS ({counted("device", strained="false")}),
    source_hit AS ({counted("source")}),
    full_account AS ({is_refused(account, subject="(SELECT account_key FROM who)", strained=_IS_STRAINED)}),
    pair_hit AS ({counted("pair", "source", uncounted="(SELECT so FROM full_account)")}),
    account_hit AS ({counted("account", "source", "pair", slowed=slowed)}),
    all_hit AS ({counted("all", "source", "pair", "account", strained=strained)})
    """


def _open_by(column: str, limits: RateLimits, door: Door) -> str:
    """Find the account, and count the attempt on the account however it was named (L08).

    Whatever is done for an account is done for one that there is not, or the time of the answer would tell (L02).
    """
    # What the budget refuses nobody looks at: it is no guess, and must not make an owner wait longer (L06).
    counts = "device_key IS NULL" + (f" AND NOT {_IS_STRAINED}" if limits.budget_refuses else "")
    refused = ("device_hit", "pair_hit", "account_hit")
    return f"""
    WITH account AS (
        SELECT {USER_COLUMNS}, {CREDENTIAL_COLUMNS}
        FROM users AS u LEFT JOIN credentials AS c ON c.user_id = u.id AND c.kind = 'password'
        WHERE u.{column} = $1::text
    ),
    named AS (
        SELECT CASE WHEN $3::bytea IS NOT NULL THEN
                coalesce((SELECT uuid_send(user_id) || int4send(coalesce(version, 0)) FROM account), $3::bytea)
            END AS whole,
            (
                SELECT uuid_send($5::uuid) FROM account
                WHERE $3::bytea IS NOT NULL AND user_id = $6::uuid AND version = $7::bigint
                    AND $8::timestamptz > now() - {literal(limits.device_lifetime)}
            ) AS device_key
    ),
    strained AS ({is_refused(door.rules["all"], subject="$4::bytea")}),
    who AS (
        SELECT whole, device_key,
            CASE WHEN {counts} THEN $2::bytea END AS source_key,
            CASE WHEN {counts} THEN $2::bytea || whole END AS pair_key,
            CASE WHEN {counts} THEN whole END AS account_key,
            CASE WHEN device_key IS NULL THEN $4::bytea END AS all_key
        FROM named
    ),
    {_hits(limits, door)},
    {limit_noted(limits, refused, whose="(SELECT whole FROM who)", user_id="(SELECT user_id FROM account)", first=9)}
    SELECT now() AS now, account.*, who.whole, {door.columns}
    FROM who LEFT JOIN account ON true {door.joins}
    """


class PostgresLogInAttempts:
    """Limits and the account, in one statement."""

    def __init__(
        self, database: Database, limits: RateLimits, notices: LimitNotices, device_tokens: DeviceTokens
    ) -> None:
        self._database = database
        self._limits = limits
        self._notices = notices
        self._device_tokens = device_tokens
        self._door = _door(limits)
        self._by_email = _open_by("email_canonical", limits, self._door)
        self._by_username = _open_by("username_canonical", limits, self._door)

    async def open(self, identifier: Identifier | None, typed: str, origin: Origin) -> LogInAttempt:
        """See the port."""
        # Text that is no identifier names no account, for none has an empty canonical form.
        canonical = identifier.canonical if identifier else ""
        name = canonical or typed
        account, source = self._limits.text_subject(name), self._limits.source_subject(origin)
        device = self._device_tokens.read(origin.device_token) if origin.device_token else None
        seen = _seen(account, source, device)
        self._door.refuse_again(_looked_at(seen, device), origin)
        digest = self._limits.digest(name.encode(errors="replace")).hex()
        row = await self._database.fetch_row(
            self._by_email if isinstance(identifier, EmailAddress) else self._by_username,
            canonical,
            source,
            account,
            self._limits.budget_subject(),
            *((device.id, device.user_id, device.credential_version, device.made_at) if device else _NONE),
            *self._notices.arguments(digest, origin),
        )
        assert row is not None  # noqa: S101 - a SELECT from one row and left joins has a row
        self._door.judge(row, seen, origin)
        return self._attempt(row, digest, device)

    def _attempt(self, row: Record, digest: str, device: KnownDevice | None) -> LogInAttempt:
        is_known = device is not None and row["device_subject"] is not None
        return LogInAttempt(
            now=row["now"],
            identifier_digest=digest,
            user=user_of(row) if row["user_id"] else None,
            credential=credential_of(row) if row["credential_id"] else None,
            allowances=self._door.allowances(row) + (self._released(row) if is_known else ()),
            device_id=device.id if device is not None and is_known else None,
        )

    def _released(self, row: Record) -> tuple[Allowance, ...]:
        """A success on a known device ends what strangers had in a row on the account, if that was the last of it."""
        rule = self._limits.sign_in_account
        return (Allowance(rule.name, row["whole"], rule.interval * 0, failures_proven=MOST_IN_A_ROW),)


def _seen(account: bytes | None, source: bytes | None, device: KnownDevice | None) -> Mapping[str, Hashable]:
    """The counters as they can be told before the account is known: by what was typed."""
    return {
        "device": (device.id, account) if device and account else None,
        "source": source,
        "pair": (source, account) if source and account else None,
        "account": account,
        "all": "all" if account else None,
    }


def _looked_at(seen: Mapping[str, Hashable], device: KnownDevice | None) -> Mapping[str, Hashable]:
    """Those that decide. Whether a device is known to the account only the database can say."""
    return {"device": seen["device"]} if device else seen
