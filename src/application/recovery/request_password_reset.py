"""Ask for a link by which to set a new password."""

from dataclasses import dataclass

from application.accounts.ports import EmailAddressParser
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.recovery.ports import RecoveryRequests
from domain.errors import FieldCheck
from domain.recovery.events import password_reset_requested


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPasswordReset:
    """Note that somebody asked; the mail is written later, by whoever is told of it.

    What is done here is the same whether or not the address has an account, and so is the time it takes (P04).
    Nothing about the account changes by being asked (P08).
    """

    requests: RecoveryRequests
    unit_of_work: UnitOfWorkFactory
    parse_email: EmailAddressParser

    async def __call__(self, email: str, origin: Origin) -> None:
        """Raises InvalidInput, TooManyAttempts, ServiceUnavailable."""
        check = FieldCheck()
        address = check.required("email", self.parse_email, email)
        check.raise_if_any()
        request = await self.requests.open(address, origin)
        work = self.unit_of_work(origin)
        work.record(password_reset_requested(request.user_id, request.identifier_digest))
        await work.commit()
