"""The door of what asks whoever has the link of a sign-up for its password, in PostgreSQL."""

from application.origin import Origin
from application.sign_ups.ports import ConfirmationAttempt
from domain.accounts.pending_sign_up import PendingSignUp
from infrastructure.postgres.counters import hit
from infrastructure.postgres.database import Database
from infrastructure.postgres.doors import Door
from infrastructure.postgres.limit_notices import LimitNotices, limit_noted
from infrastructure.postgres.limits import RateLimits


def _open(limits: RateLimits, door: Door) -> str:
    return f"""
    WITH strained AS (SELECT false AS so),
    device_hit AS ({hit(door.rules["device"], subject="$1::bytea")}),
    {limit_noted(limits, ["device_hit"], whose="$1::bytea", user_id="NULL::uuid", first=2)}
    SELECT now() AS now, {door.columns} FROM (SELECT) AS one {door.joins}
    """


class PostgresSignUpConfirmations:
    """A link that was mailed is as good as a known device, and counted like one: by itself alone."""

    def __init__(self, database: Database, limits: RateLimits, notices: LimitNotices) -> None:
        self._database = database
        self._limits = limits
        self._notices = notices
        rules = {"device": limits.sign_in_device}
        self._door = Door(
            policy="confirmation", rules=rules, told=("device",), published="device", refusals=limits.refusals
        )
        self._statement = _open(limits, self._door)

    async def open(self, sign_up: PendingSignUp, origin: Origin) -> ConfirmationAttempt:
        """See the port."""
        digest = self._limits.digest(sign_up.email.canonical.encode(errors="replace")).hex()
        notice = self._notices.arguments(digest, origin)
        row = await self._database.fetch_row(self._statement, self._limits.user_subject(sign_up.id), *notice)
        assert row is not None  # noqa: S101 - a SELECT from one row and left joins has a row
        self._door.judge(row, {}, origin)
        return ConfirmationAttempt(now=row["now"], identifier_digest=digest, allowances=self._door.allowances(row))
