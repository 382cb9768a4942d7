"""The account of a person."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile


class UserStatus(StrEnum):
    """Whether the account may be used."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person's account. Credentials are rows of their own and never part of it."""

    id: UUID
    email: EmailAddress
    email_verified: bool
    username: Username
    profile: Profile
    status: UserStatus
    created_at: datetime
    updated_at: datetime
    photo_id: str | None = None
    """What the photo's address ends in: 256 bits that cannot be guessed, new with every photo."""

    def reached_at(self, email: EmailAddress) -> "User":
        """The same, at that address, which is proven."""
        return replace(self, email=email, email_verified=True)

    @property
    def own_words(self) -> tuple[str, ...]:
        """What its password must not be built from, as typed (S03)."""
        names = (self.profile.given_name, self.profile.family_name, self.profile.display_name)
        identifiers = (self.email.original, self.email.original.partition("@")[0], self.username.original)
        return (*identifiers, *(name for name in names if name))

    @classmethod
    def register(
        cls, *, user_id: UUID, email: EmailAddress, username: Username, profile: Profile, now: datetime
    ) -> "User":
        """A new, active account whose address is not proven yet."""
        return cls(
            id=user_id,
            email=email,
            email_verified=False,
            username=username,
            profile=profile,
            status=UserStatus.ACTIVE,
            created_at=now,
            updated_at=now,
        )
