"""A sign-up that is no account yet: it becomes one when its address is proven."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile
from domain.accounts.user import User
from domain.credentials.password import PasswordCredential
from domain.events import DomainEvent

SIGN_UP_LIFETIME = timedelta(hours=24)
"""From the sign-up on, and again from its mail on; then it is gone, and its username free again."""

SIGN_UP_REQUESTED = "sign_up.requested"
SIGN_UP_ID = "sign_up_id"
"""In the data of the events."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PendingSignUp:
    """What an account is to be made of; ``id`` is the one it is to have."""

    id: UUID
    email: EmailAddress
    username: Username
    profile: Profile
    password_hash: str
    photo_id: str | None

    def user(self, now: datetime) -> User:
        """The account, which begins proven."""
        user = User.register(user_id=self.id, email=self.email, username=self.username, profile=self.profile, now=now)
        return replace(user, email_verified=True, photo_id=self.photo_id)

    def credential(self, credential_id: UUID, now: datetime) -> PasswordCredential:
        """The account's password."""
        return PasswordCredential(
            id=credential_id, user_id=self.id, password_hash=self.password_hash, version=1, created_at=now
        )


def sign_up_requested(sign_up_id: UUID) -> DomainEvent:
    """Somebody signed up, with an address that is free or taken: the event is the same for both."""
    return DomainEvent(type=SIGN_UP_REQUESTED, data={SIGN_UP_ID: str(sign_up_id)})


def sign_up_rejected(sign_up_id: UUID) -> DomainEvent:
    """Whoever has its address says that it was not them."""
    return DomainEvent(type="sign_up.rejected", data={SIGN_UP_ID: str(sign_up_id)})
