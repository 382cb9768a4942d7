"""Give one's account another address, once that is proven."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from application.accounts.ports import EmailAddressParser
from application.credentials.confirm_password import ConfirmPassword
from application.credentials.ports import ReauthenticationAttempt, Reauthentications
from application.origin import Origin
from application.ports import IdGenerator, UnitOfWorkFactory
from application.recovery.ports import RecoveryRequest, RecoveryRequests
from application.sessions.ports import Caller
from domain.accounts.identifiers import EmailAddress
from domain.credentials.password import Password
from domain.errors import FieldCheck, InvalidInput, TooManyAttempts
from domain.recovery.email_change import EmailChange, email_unchanged
from domain.recovery.events import email_change_requested
from domain.recovery.one_time_token import TokenPurpose


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EmailChangeRequest:
    """The new address and the password, as typed."""

    new_email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEmailChange:
    """Note the address that the account is to have; whoever is told of it writes to both, the new one and the old.

    Nobody looks whether somebody has the new address: the answer is the same, and who asks learns nothing of others.
    Until it is proven, the old one stays (P10).
    """

    reauthentications: Reauthentications
    confirm_password: ConfirmPassword
    requests: RecoveryRequests
    unit_of_work: UnitOfWorkFactory
    parse_email: EmailAddressParser
    new_id: IdGenerator

    async def __call__(self, caller: Caller, given: EmailChangeRequest, origin: Origin) -> None:
        """Raises InvalidInput, InvalidAccessToken, WrongPassword, TooManyAttempts, ServiceUnavailable.

        It is one more way to have mail sent to an address that one names, and counted with the others.
        """
        email, password = self._parse(given)
        attempt = await self.reauthentications.open(caller, origin)
        await self.confirm_password(attempt, password, origin)
        try:
            request = await self._admitted(email, attempt, origin)
        except (InvalidInput, TooManyAttempts):
            # The password was right, so it was no guess.
            work = self.unit_of_work(origin)
            work.attempts.prove(attempt)
            await work.commit()
            raise
        change = EmailChange(id=self.new_id(), email=email)
        digest = request.identifier_digest
        work = self.unit_of_work(origin)
        work.email_changes.request(caller, change)
        work.one_time_tokens.revoke_all_of(caller.user_id, {TokenPurpose.NEW_EMAIL})
        work.attempts.prove(attempt)
        work.record(email_change_requested(caller.user_id, caller.session_id, change.id, digest))
        await work.commit()

    def refuse_fields(self, given: Mapping[str, Any]) -> None:
        """Raises InvalidInput for what is wrong with those fields of a request, and with those it lacks."""
        self._parse(EmailChangeRequest(**{"new_email": "", "password": "", **given}))

    def _parse(self, given: EmailChangeRequest) -> tuple[EmailAddress, Password]:
        check = FieldCheck()
        email = check.required("new_email", self.parse_email, given.new_email)
        password = check.required("password", Password.given, given.password)
        check.raise_if_any()
        return email, password

    async def _admitted(self, email: EmailAddress, attempt: ReauthenticationAttempt, origin: Origin) -> RecoveryRequest:
        check = FieldCheck()
        check.required("new_email", partial(_refuse_unchanged, attempt.live.user.email), email)
        check.raise_if_any()
        return await self.requests.open(email, origin)


def _refuse_unchanged(old: EmailAddress, new: EmailAddress) -> None:
    if new.canonical == old.canonical:
        raise email_unchanged()
