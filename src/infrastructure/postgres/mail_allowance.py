"""How much mail may be sent, counted in PostgreSQL like attempts are."""

from domain.accounts.identifiers import EmailAddress
from domain.errors import ServiceUnavailable
from domain.limits import Allowance, Rule
from domain.mail.kinds import MailKind
from infrastructure.postgres.counters import given_back, hit
from infrastructure.postgres.database import Database
from infrastructure.postgres.limits import RateLimits

_ALL = "all mail"


def _take(limits: RateLimits) -> str:
    total_hit = hit(limits.mail_total, subject="$2::bytea", unless_refused_by=["recipient_hit"])
    return f"""
    WITH recipient_hit AS ({hit(limits.mail_recipient, subject="$1::bytea")}),
    total_hit AS ({total_hit})
    SELECT recipient.admitted AS recipient_admitted, total.admitted AS total_admitted, total.wait AS total_wait
    FROM (SELECT) AS one LEFT JOIN recipient_hit AS recipient ON true LEFT JOIN total_hit AS total ON true
    """


class PostgresMailAllowance:
    """See the port. Where limits are off, everything is admitted."""

    def __init__(self, database: Database, limits: RateLimits) -> None:
        self._database = database
        self._limits = limits
        self._take = _take(limits)

    async def take(self, to: EmailAddress, kind: MailKind) -> bool:
        """See the port."""
        recipient, total = self._recipient(to, kind), self._limits.text_subject(_ALL)
        row = await self._database.fetch_row(self._take, recipient, total)
        assert row is not None  # noqa: S101 - a SELECT from one row and left joins has a row
        if row["recipient_admitted"] is False:
            return False
        if row["total_admitted"] is False:
            await self._give_back([(self._limits.mail_recipient, recipient)])
            raise ServiceUnavailable("As much mail has been sent as may be for now.", retry_after=60)
        return True

    async def give_back(self, to: EmailAddress, kind: MailKind) -> None:
        """See the port."""
        recipient = (self._limits.mail_recipient, self._recipient(to, kind))
        await self._give_back([recipient, (self._limits.mail_total, self._limits.text_subject(_ALL))])

    async def _give_back(self, counted: list[tuple[Rule, bytes | None]]) -> None:
        allowances = [Allowance(rule.name, subject, rule.interval) for rule, subject in counted if subject is not None]
        write = given_back(allowances)
        await self._database.fetch(write.statement, *write.arguments)

    def _recipient(self, to: EmailAddress, kind: MailKind) -> bytes | None:
        return self._limits.text_subject(f"{kind.value} {to.canonical}")
