"""Sign up."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from typing import Any
from uuid import UUID

from application.accounts.ports import (
    EmailAddressParser,
    KeyClaim,
    KeyedRequest,
    OpenRegistration,
    Registrations,
    SignupTurns,
)
from application.accounts.registration import Applicant, Registration
from application.credentials.new_password import NewPasswordJudge
from application.credentials.ports import PasswordHasher
from application.origin import Origin
from application.photos.store_photo import StorePhoto
from application.ports import IdGenerator, UnitOfWorkFactory
from domain.accounts.errors import IdentifierTaken, RegisteredAccountDeleted
from domain.accounts.events import user_registered
from domain.accounts.identifiers import Username
from domain.accounts.profile import Profile, ProfileRules
from domain.accounts.signup_policy import SignupPolicy
from domain.accounts.user import User
from domain.credentials.password import Password, PasswordCredential, PasswordPolicy
from domain.errors import DomainError, FieldCheck, ServiceUnavailable
from domain.photos.photo import refuse_other_content


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUser:
    """Create an account with a password, and a photo if one is given. Whoever is told so can sign in from then on."""

    registrations: Registrations
    turns: SignupTurns
    unit_of_work: UnitOfWorkFactory
    hasher: PasswordHasher
    judge: NewPasswordJudge
    parse_email: EmailAddressParser
    new_id: IdGenerator
    policy: PasswordPolicy
    signup: SignupPolicy
    profile_rules: ProfileRules
    store_photo: StorePhoto

    async def __call__(self, registration: Registration, origin: Origin, key: str | None = None) -> User:
        """The account; with ``key``, the one that the same registration with the same key made before.

        Raises InvalidInput, SignupClosed, IdentifierTaken, TooManyAttempts, Overloaded, ServiceUnavailable, for want
        of the photo store only when there is a photo; with ``key`` also
        IdempotencyKeyReused, RequestInProgress, RegisteredAccountDeleted.
        """
        applicant = self.admitted(registration)
        keyed = KeyedRequest(key=key, content=registration.content, attempt=self.new_id()) if key else None
        opened = await self.registrations.open(applicant.email, applicant.username, origin, keyed)
        if opened.done_as:
            return await self._as_before(applicant, opened.done_as)
        try:
            if opened.taken:
                raise opened.taken
            return await self._register_in_turn(applicant, opened, origin)
        except DomainError:
            await self.withdraw(opened.claim, origin)
            raise

    def refuse_fields(self, given: Mapping[str, Any]) -> None:
        """Raises InvalidInput for what is wrong with those fields of a registration, and with those it lacks."""
        self._parse(Registration(**{"email": "", "username": "", "password": "", **given}))

    def admitted(self, registration: Registration) -> Applicant:
        """Whoever may sign up, their fields judged. Raises InvalidInput, SignupClosed."""
        self.signup.refuse_if_closed()
        applicant = self._parse(registration)
        self.signup.admit(applicant.email)
        return applicant

    async def _as_before(self, applicant: Applicant, user_id: UUID) -> User:
        """The first answer again, from the request itself.

        Whoever knows the request is not thereby the owner, who may have taken over an account that a stranger made
        in their name (S16): nothing that was changed since is shown.
        """
        account = await self.registrations.by_id(user_id)
        if account is None:
            raise RegisteredAccountDeleted
        is_unchanged = account.updated_at == account.created_at
        return applicant.user(user_id, account.created_at, account.photo_id if is_unchanged else None)

    async def _register_in_turn(self, applicant: Applicant, opened: OpenRegistration, origin: Origin) -> User:
        async with self.turns.take(applicant.email, applicant.username) as has_waited:
            if has_waited and (taken := await self.registrations.taken(applicant.email, applicant.username)):
                raise taken
            return await self._register(applicant, opened, origin)

    async def _register(self, applicant: Applicant, opened: OpenRegistration, origin: Origin) -> User:
        # All or nothing (S13): what a refusal from here on leaves in the store is nobody's, and swept away (F09).
        photo_id = await self.store_photo(applicant.photo) if applicant.photo is not None else None
        password_hash = await self.hasher.hash(applicant.password)
        user = applicant.user(self.new_id(), opened.now, photo_id)
        credential = PasswordCredential(
            id=self.new_id(), user_id=user.id, password_hash=password_hash, version=1, created_at=opened.now
        )
        await self._add(user, credential, opened.claim, origin)
        return user

    async def withdraw(self, claim: KeyClaim | None, origin: Origin) -> None:
        """Let a corrected registration have the key of one that was refused."""
        if claim:
            work = self.unit_of_work(origin)
            work.accounts.withdraw(claim)
            # Where this fails the claim runs out by itself.
            with suppress(ServiceUnavailable):
                await work.commit()

    async def _add(self, user: User, credential: PasswordCredential, claim: KeyClaim | None, origin: Origin) -> None:
        work = self.unit_of_work(origin)
        work.accounts.add(user, credential, claim)
        if user.photo_id:
            work.photos.claim(user.photo_id)
        work.record(user_registered(user))
        try:
            await work.commit()
        except IdentifierTaken as refusal:
            # The database names the first conflict it met. Somebody was faster: look again, to name them all.
            raise await self.registrations.taken(user.email, user.username) or refusal from None

    def _parse(self, given: Registration) -> Applicant:
        check = FieldCheck()
        email = check.required("email", self.parse_email, given.email)
        username = check.required("username", Username.parse, given.username)
        optional = {field.name: getattr(given, field.name) for field in fields(Profile)}
        profile = Profile(**self.profile_rules.judge(optional, check))
        password = check.required("password", partial(self._parse_password, given=given), given.password)
        check.optional("photo", refuse_other_content, given.photo)
        check.raise_if_any()
        return Applicant(email=email, username=username, profile=profile, password=password, photo=given.photo)

    def _parse_password(self, text: str, given: Registration) -> Password:
        password = self.policy.parse(text)
        typed = (given.email, given.email.partition("@")[0], given.username)
        names = (given.given_name, given.family_name, given.display_name)
        self.judge.refuse_weak(password, own_words=[word for word in (*typed, *names) if word])
        return password
