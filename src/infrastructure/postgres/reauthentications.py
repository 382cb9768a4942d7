"""The door of what asks a signed-in caller for their password again, in PostgreSQL."""

from application.credentials.ports import ReauthenticationAttempt
from application.origin import Origin
from application.sessions.ports import Caller
from domain.sessions.errors import InvalidAccessToken
from infrastructure.postgres.accounts import USER_COLUMNS
from infrastructure.postgres.counters import hit
from infrastructure.postgres.credentials import CREDENTIAL_COLUMNS, credential_of
from infrastructure.postgres.database import Database
from infrastructure.postgres.doors import Door
from infrastructure.postgres.limit_notices import LimitNotices, limit_noted
from infrastructure.postgres.limits import RateLimits
from infrastructure.postgres.sessions import IS_LIVE, SESSION_COLUMNS, live_session_of


def _open(limits: RateLimits, door: Door) -> str:
    whose = "CASE WHEN $3::bytea IS NOT NULL THEN uuid_send($2::uuid) END"
    return f"""
    WITH caller AS (
        SELECT {SESSION_COLUMNS}, {USER_COLUMNS}, {CREDENTIAL_COLUMNS}
        FROM sessions AS s
        JOIN users AS u ON u.id = s.user_id
        LEFT JOIN credentials AS c ON c.user_id = u.id AND c.kind = 'password'
        WHERE s.id = $1 AND s.user_id = $2 AND {IS_LIVE}
    ),
    strained AS (SELECT false AS so),
    device_hit AS ({hit(door.rules["device"], subject="$3::bytea", where_exists="caller")}),
    {limit_noted(limits, ["device_hit"], whose=whose, user_id="$2::uuid", first=4)}
    SELECT now() AS now, caller.*, {door.columns} FROM caller {door.joins}
    """


class PostgresReauthentications:
    """Limits, session and account, in one statement.

    An open session is as good as a known device, and counted like one: by itself alone.
    """

    def __init__(self, database: Database, limits: RateLimits, notices: LimitNotices) -> None:
        self._database = database
        self._limits = limits
        self._notices = notices
        rules = {"device": limits.sign_in_device}
        self._door = Door(
            policy="reauthentication", rules=rules, told=("device",), published="device", refusals=limits.refusals
        )
        self._statement = _open(limits, self._door)

    async def open(self, caller: Caller, origin: Origin) -> ReauthenticationAttempt:
        """See the port."""
        session = self._limits.user_subject(caller.session_id)
        # By the account, for nobody named it: the session did.
        notice = self._notices.arguments(self._limits.digest(caller.user_id.bytes).hex(), origin)
        row = await self._database.fetch_row(self._statement, caller.session_id, caller.user_id, session, *notice)
        if row is None:
            raise InvalidAccessToken
        self._door.judge(row, {}, origin)
        return ReauthenticationAttempt(
            live=live_session_of(row),
            credential=credential_of(row) if row["credential_id"] else None,
            allowances=self._door.allowances(row),
        )
