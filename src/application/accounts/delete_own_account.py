"""Delete one's own account."""

from dataclasses import dataclass

from application.accounts.erase_account import EraseAccount, without_a_trace
from application.credentials.confirm_password import ConfirmPassword
from application.credentials.ports import Reauthentications
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.sessions.ports import Caller, SessionRepository
from domain.accounts.errors import SelfDeletionOff
from domain.credentials.password import Password
from domain.errors import FieldCheck
from domain.sessions.errors import InvalidAccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOwnAccount:
    """For good, at once, and only by whoever knows the password."""

    sessions: SessionRepository
    reauthentications: Reauthentications
    confirm_password: ConfirmPassword
    unit_of_work: UnitOfWorkFactory
    erase_account: EraseAccount
    is_offered: bool

    async def __call__(self, caller: Caller, password: str, origin: Origin) -> None:
        """Raises InvalidInput, SelfDeletionOff, InvalidAccessToken, WrongPassword, TooManyAttempts, Overloaded."""
        check = FieldCheck()
        given = check.required("password", Password.given, password)
        check.raise_if_any()
        await self._require_offer(caller)
        attempt = await self.reauthentications.open(caller, origin)
        await self.confirm_password(attempt, given, origin)
        work = self.unit_of_work(without_a_trace(origin))
        # A password that is changed meanwhile ends this session too, so it need not be looked at again.
        work.sessions.require_live(caller)
        work.attempts.prove(attempt)
        await self.erase_account(attempt.live.user, work)

    async def _require_offer(self, caller: Caller) -> None:
        """Whoever is in no session any more is told that and nothing else; no password is looked at, so none counts."""
        if self.is_offered:
            return
        if await self.sessions.live(caller) is None:
            raise InvalidAccessToken
        raise SelfDeletionOff
