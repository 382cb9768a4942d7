"""A mailer that counts."""

from dataclasses import dataclass

from application.mail.ports import Mail, Mailer
from infrastructure.metrics.catalogue import MAILS


@dataclass(frozen=True, slots=True)
class CountingMailer:
    """Another one, and what came of each mail: sent, rejected for good, or failed for now."""

    mailer: Mailer

    async def send(self, mail: Mail) -> str | None:
        """See the port."""
        kind = mail.id.rpartition(".")[2]
        try:
            refusal = await self.mailer.send(mail)
        except BaseException:
            MAILS.add(kind, "failed")
            raise
        MAILS.add(kind, "sent" if refusal is None else "rejected")
        return refusal
