"""Have a signed-in caller prove once more that it is them.

A step of whatever must not be done by somebody who merely found a session open.
"""

from dataclasses import dataclass

from application.credentials.ports import PasswordHasher, ReauthenticationAttempt
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from domain.credentials.errors import WrongPassword
from domain.credentials.events import reauthentication_failed
from domain.credentials.password import Password, PasswordCredential
from domain.errors import Overloaded


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPassword:
    """Verify the password of an attempt that is open. Whoever goes on forgives the attempt in their own commit."""

    hasher: PasswordHasher
    unit_of_work: UnitOfWorkFactory

    async def __call__(
        self, attempt: ReauthenticationAttempt, password: Password, origin: Origin
    ) -> PasswordCredential:
        """The credential that proved it. Raises WrongPassword, and the attempt stays counted (P01); Overloaded."""
        credential, session = attempt.credential, attempt.live.session
        if await self._matches(attempt, password, origin) and credential is not None:
            return credential
        work = self.unit_of_work(origin)
        work.record(reauthentication_failed(session.user_id, session.id))
        await work.commit()
        raise WrongPassword

    async def _matches(self, attempt: ReauthenticationAttempt, password: Password, origin: Origin) -> bool:
        try:
            return await self.hasher.verify(password, attempt.credential.password_hash if attempt.credential else None)
        except Overloaded:
            # Nobody looked at the password, so it was no guess.
            work = self.unit_of_work(origin)
            work.attempts.forgive(attempt)
            await work.commit()
            raise
