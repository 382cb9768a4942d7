"""Ask for the mail by which an address is confirmed."""

from dataclasses import dataclass

from application.accounts.ports import EmailAddressParser
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.recovery.ports import RecoveryRequests
from domain.errors import FieldCheck
from domain.recovery.events import email_verification_requested


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEmailVerification:
    """Note that somebody asked, alike for every address, as for a password reset (P04)."""

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
        work.record(email_verification_requested(request.user_id, request.identifier_digest))
        await work.commit()
