"""Sign up."""

from collections.abc import Container
from dataclasses import dataclass
from functools import partial

from application.accounts.ports import EmailAddressParser, Registrations
from application.credentials.ports import PasswordHasher, PasswordStrengthEstimator
from application.origin import Origin
from application.ports import IdGenerator, UnitOfWorkFactory
from domain.accounts.errors import IdentifierTaken
from domain.accounts.events import user_registered
from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile, parse_locale, parse_name, parse_phone_number, parse_zoneinfo
from domain.accounts.signup_policy import SignupPolicy
from domain.accounts.user import User
from domain.credentials.password import Password, PasswordCredential, PasswordPolicy, refuse_weak
from domain.errors import FieldCheck


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Registration:
    """What a person signs up with, as typed."""

    email: str
    username: str
    password: str
    given_name: str | None = None
    family_name: str | None = None
    display_name: str | None = None
    phone_number: str | None = None
    locale: str | None = None
    zoneinfo: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUser:
    """Create an account with a password. Whoever is told so can sign in from then on."""

    registrations: Registrations
    unit_of_work: UnitOfWorkFactory
    hasher: PasswordHasher
    estimator: PasswordStrengthEstimator
    parse_email: EmailAddressParser
    new_id: IdGenerator
    policy: PasswordPolicy
    signup: SignupPolicy
    time_zones: Container[str]

    async def __call__(self, registration: Registration, origin: Origin) -> User:
        """Raises InvalidInput, SignupClosed, IdentifierTaken, TooManyAttempts, ServiceUnavailable."""
        self.signup.refuse_if_closed()
        email, username, profile, password = self._parse(registration)
        self.signup.admit(email)
        opened = await self.registrations.open(email, username, origin)
        if opened.taken:
            raise opened.taken
        password_hash = await self.hasher.hash(password)
        user = User.register(user_id=self.new_id(), email=email, username=username, profile=profile, now=opened.now)
        credential = PasswordCredential(
            id=self.new_id(), user_id=user.id, password_hash=password_hash, version=1, created_at=opened.now
        )
        await self._add(user, credential, origin)
        return user

    async def _add(self, user: User, credential: PasswordCredential, origin: Origin) -> None:
        work = self.unit_of_work(origin)
        work.accounts.add(user, credential)
        work.record(user_registered(user))
        try:
            await work.commit()
        except IdentifierTaken as refusal:
            # The database names the first conflict it met. Somebody was faster: look again, to name them all.
            raise await self.registrations.taken(user.email, user.username) or refusal from None

    def _parse(self, given: Registration) -> tuple[EmailAddress, Username, Profile, Password]:
        check = FieldCheck()
        email = check.required("email", self.parse_email, given.email)
        username = check.required("username", Username.parse, given.username)
        profile = Profile(
            given_name=check.optional("given_name", parse_name, given.given_name),
            family_name=check.optional("family_name", parse_name, given.family_name),
            display_name=check.optional("display_name", parse_name, given.display_name),
            phone_number=check.optional("phone_number", parse_phone_number, given.phone_number),
            locale=check.optional("locale", parse_locale, given.locale),
            zoneinfo=check.optional("zoneinfo", partial(parse_zoneinfo, known=self.time_zones), given.zoneinfo),
        )
        password = check.required("password", partial(self._parse_password, given=given), given.password)
        check.raise_if_any()
        return email, username, profile, password

    def _parse_password(self, text: str, given: Registration) -> Password:
        password = self.policy.parse(text)
        typed = (given.email, given.email.partition("@")[0], given.username)
        names = (given.given_name, given.family_name, given.display_name)
        refuse_weak(self.estimator.weakness(password, own_words=[word for word in (*typed, *names) if word]))
        return password
