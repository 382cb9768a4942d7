"""Open no session before the address is confirmed, where the operator wants it so."""

from dataclasses import dataclass

from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.sessions.ports import CountedAttempt
from domain.accounts.user import User
from domain.sessions.errors import EmailNotVerified


@dataclass(frozen=True, slots=True, kw_only=True)
class RequireVerifiedEmail:
    """A step of whatever opens a session. Sessions that are open go on.

    Only behind the right password: to everybody else an unproven account must look like any other, or like none (L01).
    """

    unit_of_work: UnitOfWorkFactory
    is_on: bool

    async def __call__(self, user: User, attempt: CountedAttempt, origin: Origin) -> None:
        """Raises EmailNotVerified. The attempt is given back, for the password was no guess."""
        if user.email_verified or not self.is_on:
            return
        work = self.unit_of_work(origin)
        work.attempts.prove(attempt)
        await work.commit()
        raise EmailNotVerified
