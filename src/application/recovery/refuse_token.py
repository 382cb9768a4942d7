"""Refuse a one-time token, and write down that somebody came with it."""

from dataclasses import dataclass
from typing import NoReturn

from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.recovery.ports import OneTimeToken
from domain.recovery.events import one_time_token_refused
from domain.recovery.one_time_token import token_refused


@dataclass(frozen=True, slots=True)
class RefuseToken:
    """One that is spent, expired or unknown; whose it might have been nobody knows (G01)."""

    unit_of_work: UnitOfWorkFactory

    async def __call__(self, token: OneTimeToken, origin: Origin) -> NoReturn:
        """Raises InvalidInput, always; ServiceUnavailable."""
        work = self.unit_of_work(origin)
        work.note(one_time_token_refused(token.purpose.value))
        await work.commit()
        raise token_refused()
