"""Sign up without learning whether the address is taken."""

from dataclasses import dataclass

from application.accounts.ports import KeyedRequest, OpenRegistration
from application.accounts.register_user import RegisterUser
from application.accounts.registration import Applicant, Registration
from application.origin import Origin
from domain.accounts.errors import IdentifierTaken, UsernameTaken
from domain.accounts.pending_sign_up import PendingSignUp, sign_up_requested
from domain.errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSignUp:
    """Note a sign-up, and leave it to a mail to say what becomes of it.

    What is done here is the same whether or not the address has an account, and so is the time it takes (S10, P04):
    the sign-up is kept and its username reserved either way.
    """

    register_user: RegisterUser
    """Whose rules these are: what is admitted, and who may send it again."""
    is_on: bool
    """Whether sign-ups are answered so at all."""

    async def __call__(self, registration: Registration, origin: Origin, key: str | None = None) -> None:
        """With ``key``, nothing is done again that the same registration with the same key did.

        Raises InvalidInput, SignupClosed, IdentifierTaken, TooManyAttempts, Overloaded, ServiceUnavailable; with
        ``key`` also IdempotencyKeyReused, RequestInProgress.
        """
        rules = self.register_user
        applicant = rules.admitted(registration)
        keyed = KeyedRequest(key=key, content=registration.content, attempt=rules.new_id()) if key else None
        opened = await rules.registrations.open(
            applicant.email, applicant.username, origin, keyed, whoever_has_the_email=True
        )
        if opened.done_as:
            return
        try:
            if opened.taken:
                raise opened.taken
            await self._note(applicant, opened, origin)
        except DomainError:
            await rules.withdraw(opened.claim, origin)
            raise

    async def _note(self, applicant: Applicant, opened: OpenRegistration, origin: Origin) -> None:
        rules = self.register_user
        photo_id = await rules.store_photo(applicant.photo) if applicant.photo is not None else None
        sign_up = PendingSignUp(
            id=rules.new_id(),
            email=applicant.email,
            username=applicant.username,
            profile=applicant.profile,
            password_hash=await rules.hasher.hash(applicant.password),
            photo_id=photo_id,
        )
        work = rules.unit_of_work(origin)
        work.sign_ups.add(sign_up, opened.claim)
        if photo_id:
            # Off the ledger: the sweep leaves it alone for as long as the sign-up waits.
            work.photos.claim(photo_id)
        work.record(sign_up_requested(sign_up.id))
        try:
            await work.commit()
        except UsernameTaken:
            refusal = IdentifierTaken.of(email=False, username=True)
            raise refusal from None
