"""The door of whatever sends mail to an address that anybody may name, in PostgreSQL."""

from application.origin import Origin
from application.recovery.ports import RecoveryRequest
from domain.accounts.identifiers import EmailAddress
from infrastructure.postgres.counters import hit, is_refused
from infrastructure.postgres.database import Database
from infrastructure.postgres.doors import Door
from infrastructure.postgres.limits import RateLimits


def _open(door: Door) -> str:
    rules, so, before = door.rules, "(SELECT so FROM strained)", ("source_hit",)
    return f"""
    WITH strained AS ({is_refused(rules["all"], subject="$4::bytea")}),
    source_hit AS ({hit(rules["source"], subject="$2::bytea", strained=so)}),
    account_hit AS ({hit(rules["account"], subject="$3::bytea", unless_refused_by=before, strained=so)}),
    all_hit AS ({hit(rules["all"], subject="$4::bytea", unless_refused_by=(*before, "account_hit"))})
    SELECT now() AS now, (SELECT id FROM users WHERE email_canonical = $1) AS user_id, {door.columns}
    FROM (SELECT) AS one {door.joins}
    """


class PostgresRecoveryRequests:
    """Limits and a look for the account, in one statement."""

    def __init__(self, database: Database, limits: RateLimits) -> None:
        self._database = database
        self._limits = limits
        rules = {
            "source": limits.recovery_source,
            "account": limits.recovery_account,
            "all": limits.share_of(limits.recovery_all),
        }
        self._door = Door(
            policy="recovery",
            rules=rules,
            told=("source",),
            published="source",
            advisory="all",
            refusals=limits.refusals,
        )
        self._statement = _open(self._door)

    async def open(self, email: EmailAddress, origin: Origin) -> RecoveryRequest:
        """See the port."""
        source, account = self._limits.source_subject(origin), self._limits.text_subject(email.canonical)
        seen = {"source": source, "account": account}
        self._door.refuse_again(seen, origin)
        row = await self._database.fetch_row(
            self._statement, email.canonical, source, account, self._limits.budget_subject()
        )
        assert row is not None  # noqa: S101 - a SELECT from one row and left joins has a row
        self._door.judge(row, seen, origin)
        digest = self._limits.digest(email.canonical.encode(errors="replace")).hex()
        return RecoveryRequest(user_id=row["user_id"], identifier_digest=digest)
